"""Which language a call is decoded in."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import structlog

from infra.profiles import TranscriptionProfile

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Language:
    """A language tag; ``confidence`` is None where it was given and not detected."""

    tag: str
    confidence: float | None = None


def given_language(
    profile: TranscriptionProfile,
    hint: str | None,
    known: frozenset[str],
) -> Language | None:
    """The profile's language, else the call's; None when it has to be detected.

    A hint that the model or the profile does not cover is ignored with a warning: a wrong label on a call is
    no reason not to transcribe it.
    """
    possible = candidates(profile, known)
    for source, tag in (("profile", profile.language), ("call", hint)):
        primary = tag.replace("_", "-").split("-")[0].lower() if tag else ""
        if primary in (known if source == "profile" else possible):
            return Language(primary)
        if primary:
            _log.warning("language is not supported, it will be detected", source=source, language=primary)
    return None


def candidates(profile: TranscriptionProfile, known: frozenset[str]) -> frozenset[str]:
    """The languages that may be detected."""
    return (known & frozenset(profile.languages)) if profile.languages else known


def vote(
    windows: Iterable[tuple[float, Mapping[str, float]]],
    possible: frozenset[str],
) -> Language | None:
    """The language that most speech is in, from (seconds, probability of each language) of several windows.

    Probabilities are shared out anew among the ``possible`` languages. The confidence is the winner's mean,
    weighted by seconds.
    """
    sums: dict[str, float] = defaultdict(float)
    total = 0.0
    for seconds, probabilities in windows:
        kept = {tag: p for tag, p in probabilities.items() if tag in possible}
        mass = sum(kept.values())
        if mass <= 0:
            continue
        total += seconds
        for tag, probability in kept.items():
            sums[tag] += seconds * probability / mass
    if not sums:
        return None
    best = max(sums, key=lambda tag: (sums[tag], tag))
    return Language(best, sums[best] / total)
