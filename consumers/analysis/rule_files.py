"""Which table a YAML file is: by its name, as ``acts.ko.yaml``, or by the key ``kind`` at its top.

Every kind is checked the way it is used, so a rule file that passes here is one that the analysis takes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from consumers.analysis.act_rules import ActTable, ActTagger
from consumers.analysis.categories import Categoriser
from consumers.analysis.category_rules import CategoryTable
from consumers.analysis.data import KIND, Complaint, attempt
from consumers.analysis.floor import BackchannelTable
from consumers.analysis.keywords import FrequencyTable, StopTable
from consumers.analysis.lexicon import Lexicon, SentimentTable
from consumers.analysis.personal_data.addresses import PlaceTable
from consumers.analysis.personal_data.names import NameTable
from consumers.analysis.personal_data.policy import RedactionPolicy
from consumers.analysis.personal_data.topics import TopicTable as PersonalTopicTable
from consumers.analysis.profanity import ProfanityFilter, ProfanityTable
from consumers.analysis.quality.courtesy_rules import CourtesyCues, CourtesyTable
from consumers.analysis.quality.script import Script, ScriptTable
from consumers.analysis.quality.speech_style import SpeechStyle, SpeechStyleTable
from consumers.analysis.roles import CueTable
from consumers.analysis.scorecard.rubric import Rubric
from consumers.analysis.signals import OutcomeTable
from consumers.analysis.tone import ToneTable
from consumers.analysis.topics import TopicTable
from infra.errors import ErrorCode, Fatal, Poison

KINDS: Mapping[str, type[BaseModel]] = {
    "acts": ActTable,
    "backchannels": BackchannelTable,
    "categories": CategoryTable,
    "courtesy": CourtesyTable,
    "document_frequency": FrequencyTable,
    "outcome": OutcomeTable,
    "pii.names": NameTable,
    "pii.places": PlaceTable,
    "pii.policy": RedactionPolicy,
    "pii.topics": PersonalTopicTable,
    "profanity": ProfanityTable,
    "roles": CueTable,
    "rubric": Rubric,
    "script": ScriptTable,
    "sentiment": SentimentTable,
    "speech_style": SpeechStyleTable,
    "stopwords": StopTable,
    "tone": ToneTable,
    "topics": TopicTable,
}
"""Every kind of table; its files are named ``<kind>.yaml`` or ``<kind>.<language>.yaml``."""

_COMPILERS: Mapping[str, Callable[[Any], object]] = {
    "acts": ActTagger,
    "categories": Categoriser,
    "courtesy": CourtesyCues,
    "profanity": ProfanityFilter,
    "script": Script,
    "sentiment": Lexicon,
    "speech_style": SpeechStyle,
}
"""What is made of a table before it is used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFile:
    """A rule file, its kind, and what is wrong with it. ``name`` is that of the table which it replaces."""

    path: Path
    kind: str
    name: str
    table: BaseModel | None
    complaints: tuple[Complaint, ...] = ()


def read(path: Path) -> RuleFile:
    """A rule file. Fatal when it cannot be read, or when nothing tells its kind."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Fatal(ErrorCode.INPUT_MISSING, f"{path} cannot be read as UTF-8 text") from error
    kind = _kind(path, text)
    found = attempt(text, KINDS[kind])
    if isinstance(found, list):
        return RuleFile(path=path, kind=kind, name=path.name, table=None, complaints=tuple(found))
    _COMPILERS.get(kind, _as_it_is)(found)
    language = getattr(found, "language", None)
    name = f"{kind}.{language}.yaml" if isinstance(language, str) else f"{kind}.yaml"
    return RuleFile(path=path, kind=kind, name=name, table=found)


def sound(path: Path) -> RuleFile:
    """A rule file without a fault. Poison, with the place of each, when it has some."""
    file = read(path)
    if file.complaints:
        raise Poison(ErrorCode.CONTRACT, "; ".join(c.at(str(path)) for c in file.complaints))
    return file


def _kind(path: Path, text: str) -> str:
    said = _said_kind(text)
    stem = path.name.removesuffix(".yaml").removesuffix(".yml")
    for kind in (said or "", stem, stem.rpartition(".")[0]):
        if kind in KINDS:
            return kind
    told = f"it says kind: {said}" if said else "its name tells none"
    raise Fatal(
        ErrorCode.CONTRACT,
        f"{path} is of no known kind ({told}): name it <kind>.yaml or give it kind: one of {', '.join(KINDS)}",
    )


def _said_kind(text: str) -> str | None:
    """The value of ``kind``; None where there is none, or where the file is no YAML: its check says so."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return None
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    return next((str(value.value) for key, value in pairs if key.value == KIND), None)


def _as_it_is(table: object) -> object:
    return table
