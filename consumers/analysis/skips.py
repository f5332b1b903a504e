"""The reasons for missing values, in words an operator can act on."""

from collections.abc import Iterable, Mapping, Sequence

from consumers.analysis.view import CallView
from schemas.document import Skipped, SkipReason
from schemas.records import Role

Part = tuple[Mapping[str, object], Sequence[Skipped]]
"""Some fields of a record, and what of it could not be computed."""
NOTHING: Part = ({}, ())

_MESSAGES = {
    SkipReason.NO_SPEECH: "nobody speaks in this recording",
    SkipReason.NO_WORDS: "speech was found, but the recogniser heard no words",
    SkipReason.NO_WORD_TIMES: "the transcript has no time for each word",
    SkipReason.TRANSCRIPTION_FAILED: "there is no transcript; its error is in this document",
    SkipReason.DIARIZATION_FAILED: "diarization of this one-channel call failed; the document has its error",
    SkipReason.SPEAKERS_UNKNOWN: "diarization found no speaker for the words",
    SkipReason.ROLES_UNKNOWN: "agent and customer could not be told apart; give channel roles with the call",
    SkipReason.PARTY_ABSENT: "agent or customer does not speak",
    SkipReason.TOO_FEW: "there is too little of it in this call",
    SkipReason.UNSUPPORTED_LANGUAGE: "there is no lexicon for this language",
    SkipReason.ASSISTANT_FAILED: "the language model gave no usable answer; the service's log says why",
    SkipReason.BUG: "the analyser raised; the log has the exception under this call id",
}


def skip(feature: str, reason: SkipReason) -> Skipped:
    """An entry for ``skipped``."""
    return Skipped(feature=feature, reason=reason, message=_MESSAGES[reason])


def skip_all(features: Iterable[str], reason: SkipReason) -> list[Skipped]:
    """The same reason for several features."""
    return [skip(feature, reason) for feature in features]


def without_parties(call: CallView, *, both: bool) -> SkipReason | None:
    """Why a metric by party (or, with ``both``, between the parties) cannot be computed; None: it can."""
    if call.unattributed is not None:
        return call.unattributed
    if not call.parties_known:
        return SkipReason.ROLES_UNKNOWN
    if both and not (call.speakers(Role.AGENT) and call.speakers(Role.CUSTOMER)):
        return SkipReason.PARTY_ABSENT if len(call.named_speakers) < 2 else SkipReason.ROLES_UNKNOWN  # noqa: PLR2004 -- two parties
    return None
