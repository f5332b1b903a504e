"""All personal data of a call, by every way of finding it, without overlaps."""

from collections.abc import Sequence

from consumers.analysis.personal_data.addresses import PlaceTable, addresses, compile_places
from consumers.analysis.personal_data.dates import dates
from consumers.analysis.personal_data.dictation import Dictation
from consumers.analysis.personal_data.english_names import english_names
from consumers.analysis.personal_data.lines import Line, Mention
from consumers.analysis.personal_data.names import NameTable, births, compile_names, korean_names, repeated
from consumers.analysis.personal_data.topics import Topics, TopicTable, compile_topics
from consumers.analysis.personal_data.written import written
from consumers.analysis.tables import Tables
from schemas.personal_data import PersonalDataType

TOPICS, NAMES, PLACES = "pii.topics.yaml", "pii.names.yaml", "pii.places.yaml"
ADDRESS_GAP = 10
"""So many characters between two parts of an address are a building or a town, and as personal."""


def detect(lines: Sequence[Line], tables: Tables, *, language: str | None) -> list[Mention]:
    """Every mention of personal data, in order; those that overlap made one.

    Text of another language than English is read as Korean where it holds Hangul and as English elsewhere.
    """
    korean = language == "ko" or (language != "en" and any("가" <= c <= "힣" for x in lines for c in x.text))
    topics = Topics(lines, tables.built(TOPICS, TopicTable, compile_topics))
    places = tables.built(PLACES, PlaceTable, compile_places)
    names = (
        korean_names(lines, topics, tables.built(NAMES, NameTable, compile_names))
        if korean
        else english_names(lines, topics)
    )
    found = [
        *dates(lines, topics, korean=korean),
        *written(lines, topics, korean=korean),
        *Dictation(lines, topics, korean=korean).mentions(),
        *addresses(lines, topics, places, korean=korean),
        *names,
        *births(lines, names),
        *repeated(lines, names),
    ]
    return _disjoint(found)


def _disjoint(found: Sequence[Mention]) -> list[Mention]:
    """Overlapping mentions united; the surest, then the longest, gives the type.

    A name counts less than anything else: its syllables may be digits of what it overlaps. Nothing is lost by
    uniting, and nothing that only one of two detectors saw stays readable.
    """
    merged: list[Mention] = []
    for mention in sorted(found):
        if merged and (merged[-1].overlaps(mention) or _goes_on(merged[-1], mention)):
            last = merged[-1]
            best = max(last, mention, key=_weight)
            end = max(last.end, mention.end)
            merged[-1] = Mention(last.line, last.start, end, best.type, best.confidence)
        else:
            merged.append(mention)
    return merged


def _goes_on(last: Mention, mention: Mention) -> bool:
    """Whether an address goes on behind the name of a building."""
    both = last.type is mention.type is PersonalDataType.ADDRESS
    return both and last.line == mention.line and mention.start - last.end <= ADDRESS_GAP


def _weight(mention: Mention) -> tuple[bool, bool, float, int]:
    named = mention.type in {PersonalDataType.NAME, PersonalDataType.AGENT_NAME}
    unexplained = mention.type is PersonalDataType.NUMBER
    return (
        not named,
        not unexplained,
        1 if mention.type is PersonalDataType.AGENT_NAME else mention.confidence,
        mention.end - mention.start,
    )
