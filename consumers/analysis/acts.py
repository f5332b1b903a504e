"""Fills ``sentences[].acts``, the counts in ``acts``, ``promises`` and ``profanity``."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from consumers.analysis.act_rules import LANGUAGES, tagger
from consumers.analysis.profanity import profanity_filter
from consumers.analysis.promises import promise_slots
from consumers.analysis.sentences import SpokenSentence
from consumers.analysis.skips import skip
from consumers.analysis.speech import SpokenTurn
from consumers.analysis.tables import Tables
from consumers.analysis.view import CallView, Findings
from schemas.acts import ACTS, Place, Profanity, PromiseMade
from schemas.document import SkipReason
from schemas.records import Role

Said = tuple[SpokenTurn, SpokenSentence]


@dataclass(frozen=True, slots=True)
class ActAnalyser:
    """What is done with each sentence."""

    name: str = "acts"

    def versions(self, tables: Tables) -> Mapping[str, str]:
        """Each language's rules, and the profanity list."""
        own = {f"acts.{language}": tagger(tables, language).table.version for language in LANGUAGES}
        return own | {"profanity": profanity_filter(tables).table.version}

    def analyse(self, call: CallView) -> Findings:
        """Every act of every sentence; counts where agent and customer are known."""
        reason = call.wordless or (None if call.language in LANGUAGES else SkipReason.UNSUPPORTED_LANGUAGE)
        if reason is not None:
            return Findings(skipped=[skip("acts", reason)])
        fields: dict[str, object] = {
            "promises": tuple(_promises(call)),
            "profanity": tuple(_profanity(call)),
        }
        skipped = []
        if call.parties_known:
            fields["acts"] = _counts(call)
        else:
            skipped.append(skip("acts", call.unattributed or SkipReason.ROLES_UNKNOWN))
        acts = {key: {"acts": names} for key, names in call.acts.items() if names}
        return Findings(fields=fields, sentences=acts, skipped=skipped)


def said(call: CallView) -> Iterator[Said]:
    """Every sentence of the call with its turn."""
    for turn in call.speech.turns:
        for sentence in call.sentences[turn.id]:
            yield turn, sentence


def place(turn: SpokenTurn, sentence: SpokenSentence) -> Place:
    """Where a sentence stands."""
    return Place(
        turn_id=turn.id,
        sentence_id=sentence.id,
        start_ms=sentence.span.start_ms,
        end_ms=sentence.span.end_ms,
    )


def _counts(call: CallView) -> dict[str, int]:
    counts = Counter(
        act
        for turn, sentence in said(call)
        for act in call.acts[sentence.id]
        if call.roles.get(turn.speaker, Role.UNKNOWN).value == ACTS[act]
    )
    return {act: counts[act] for act in ACTS}


def _promises(call: CallView) -> Iterator[PromiseMade]:
    slots = promise_slots(call.tables, call.language or "")
    for turn, sentence in said(call):
        if "promise" in call.acts[sentence.id]:
            where = place(turn, sentence).model_dump()
            yield PromiseMade(**where, who=slots.who(sentence), when=slots.when(sentence))


def _profanity(call: CallView) -> Iterator[Profanity]:
    for turn, sentence in said(call):
        role = call.roles.get(turn.speaker, Role.UNKNOWN)
        for mark in call.act_marks[sentence.id]:
            if mark.act == "profanity":
                where = place(turn, sentence).model_dump()
                found = where | {"speaker": turn.speaker, "role": role, "tier": int(mark.kind or 0)}
                yield Profanity.model_validate(found)
