"""The ``pii`` of a document: what was replaced before the analysis began, with its sentence and its times."""

from collections.abc import Mapping, Sequence

from consumers.analysis.personal_data.addresses import PlaceTable
from consumers.analysis.personal_data.detection import NAMES, PLACES, TOPICS
from consumers.analysis.personal_data.names import NameTable
from consumers.analysis.personal_data.policy import POLICY, RedactionPolicy
from consumers.analysis.personal_data.redaction import Redacted
from consumers.analysis.personal_data.topics import TopicTable
from consumers.analysis.sentences import SpokenSentence
from consumers.analysis.skips import skip
from consumers.analysis.tables import Tables
from consumers.analysis.view import CallView, Findings
from schemas.document import SkipReason
from schemas.personal_data import PersonalData

_LANGUAGES = frozenset({"ko", "en"})


class PersonalDataAnalyser:
    """Reports the mentions that redaction found; it never sees a value itself."""

    name = "pii"

    def versions(self, tables: Tables) -> Mapping[str, str]:
        """Of the policy and of the three tables of detection."""
        return {
            "pii.policy": tables.get(POLICY, RedactionPolicy).version,
            "pii.topics": tables.get(TOPICS, TopicTable).version,
            "pii.names": tables.get(NAMES, NameTable).version,
            "pii.places": tables.get(PLACES, PlaceTable).version,
        }

    def analyse(self, call: CallView) -> Findings:
        """One entry a mention. In a language without name rules only what its digits and marks show is found."""
        if call.wordless is not None:
            return Findings(skipped=[skip("pii", call.wordless)])
        padding_ms = call.tables.get(POLICY, RedactionPolicy).padding_ms
        found = tuple(
            _entry(mention, call.sentences.get(mention.turn_id, ()), padding_ms)
            for mention in call.personal_data
        )
        known = call.language in _LANGUAGES
        return Findings(
            fields={"pii": found},
            skipped=() if known else [skip("pii.names", SkipReason.UNSUPPORTED_LANGUAGE)],
        )


def _entry(mention: Redacted, sentences: Sequence[SpokenSentence], padding_ms: int) -> PersonalData:
    return PersonalData(
        type=mention.type,
        action=mention.action,
        turn_id=mention.turn_id,
        sentence_id=_sentence_at(mention.start, sentences),
        start_ms=max(0, mention.span.start_ms - padding_ms),
        end_ms=mention.span.end_ms + padding_ms,
        start_char=mention.start,
        end_char=mention.end,
        channel=mention.channel,
        confidence=mention.confidence,
    )


def _sentence_at(place: int, sentences: Sequence[SpokenSentence]) -> str | None:
    """The sentence that holds a character of the turn; a turn's sentences put together are its text."""
    end = 0
    for sentence in sentences:
        end += len(sentence.text)
        if place < end:
            return sentence.id
    return None
