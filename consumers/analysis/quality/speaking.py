"""How each party speaks: level of speech, fillers, hedges, questions, jargon.

Honorifics and syllables are Korean only: None elsewhere, which is no gap and not in ``skipped``.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest
from statistics import quantiles

from consumers.analysis.acts import Said, place
from consumers.analysis.personal_data.placeholders import PLACEHOLDER
from consumers.analysis.quality.speech_manner import SpeechManner, manner_of
from consumers.analysis.quality.speech_style import LANGUAGES, SpeechStyle, style_of
from consumers.analysis.rate import syllables
from consumers.analysis.skips import Part, skip, without_parties
from consumers.analysis.view import CallView
from schemas.document import SkipReason
from schemas.quality import ByParty, Finding, Findings, Honorifics, LanguageQuality, Questions
from schemas.records import Role

Heard = tuple[Said, SpeechManner]


def speaking(call: CallView) -> Part:
    """``language`` of ``quality``."""
    language = call.language or ""
    unsupported = None if language in LANGUAGES else SkipReason.UNSUPPORTED_LANGUAGE
    reason = call.wordless or unsupported or without_parties(call, both=False)
    if reason is not None:
        return {}, [skip("quality.language", reason)]
    style = style_of(call.tables, language)
    agent, customer = (_language(list(_heard(call, style, r)), language) for r in (Role.AGENT, Role.CUSTOMER))
    values = ByParty[LanguageQuality](agent=agent, customer=customer)
    absent = [party for party, value in values if value is None]
    return {"language": values}, [skip(f"quality.language.{p}", SkipReason.PARTY_ABSENT) for p in absent]


def _heard(call: CallView, style: SpeechStyle, role: Role) -> Iterator[Heard]:
    speakers = set(call.speakers(role))
    for turn in call.speech.turns:
        if turn.speaker in speakers:
            own = call.sentences[turn.id]
            for sentence, after in zip_longest(own, own[1:]):
                yield (turn, sentence), manner_of(style, sentence, after)


def _language(heard: Sequence[Heard], language: str) -> LanguageQuality | None:
    if not heard:
        return None
    manners, korean = [manner for _, manner in heard], language == "ko"
    words = sum(len(sentence.text.split()) for (_, sentence), _ in heard)
    asked = Counter(manner.question for manner in manners)
    statements = [manner for manner in manners if manner.states]
    return LanguageQuality(
        sentences=len(heard),
        honorifics=_honorifics(heard) if korean else None,
        subject_honorifics=_honoured(heard, lambda manner: manner.honoured.person) if korean else None,
        over_honorifics=_honoured(heard, lambda manner: manner.honoured.thing) if korean else None,
        filler_ratio=_share(sum(manner.fillers for manner in manners), words),
        hedge_ratio=_share(sum(manner.hedges for manner in statements), len(statements)),
        sentence_syllables_p90=_length(sentence.text for (_, sentence), _ in heard) if korean else None,
        questions=Questions(open=asked["open"], closed=asked["closed"], verification=asked["verification"]),
        jargon=_findings(list(_jargon(heard)), heard),
    )


def _honorifics(heard: Sequence[Heard]) -> Honorifics:
    counts = Counter(manner.level for _, manner in heard)
    raising = counts["deferential"] + counts["polite"]
    return Honorifics(
        deferential=counts["deferential"],
        polite=counts["polite"],
        plain=counts["plain"],
        unfinished=counts["unfinished"],
        none=counts["none"],
        ratio=_share(raising, raising + counts["plain"]),
        deferential_share=_share(counts["deferential"], raising),
        plain_sentences=tuple(place(*said) for said, manner in heard if manner.level == "plain"),
    )


def _honoured(heard: Sequence[Heard], counts: Callable[[SpeechManner], bool]) -> Findings:
    return _findings([_finding(said) for said, manner in heard if counts(manner)], heard)


def _jargon(heard: Sequence[Heard]) -> Iterator[Finding]:
    for said, manner in heard:
        turn, sentence = said
        for start, end in manner.jargon:
            term = turn.text[sentence.tokens[start].start : sentence.tokens[end - 1].end]
            yield _finding(said, kind=term)


def _finding(said: Said, kind: str | None = None) -> Finding:
    return Finding(**place(*said).model_dump(), kind=kind)


def _findings(found: Sequence[Finding], heard: Sequence[Heard]) -> Findings:
    rate = round(100 * len(found) / len(heard), 1)
    return Findings(count=len(found), per_100_sentences=rate, instances=tuple(found))


def _length(texts: Iterable[str]) -> int | None:
    """What stands for a personal value has no syllables of its own."""
    counts = [count for text in texts if (count := syllables(PLACEHOLDER.sub("", text)))]
    if not counts:
        return None
    # quantiles() wants two values; of a single one every quantile is itself.
    return round(quantiles(counts, n=10, method="inclusive")[8]) if len(counts) > 1 else counts[0]


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
