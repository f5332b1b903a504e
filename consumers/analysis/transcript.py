"""Analysis of a transcript that already names its speakers: ``callytics analyze FILE``."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, ValidationError, model_validator

from consumers.analysis.engine import AnalysisEngine, CallFacts
from consumers.analysis.intervals import Interval
from consumers.analysis.join import Joined
from consumers.analysis.speech import Piece, Speech, SpokenTurn
from infra.errors import ErrorCode, Poison
from schemas.document import CallDocument, CallMetadata, SkipReason
from schemas.records import Direction, DocumentStatus, Identifier, Milliseconds, Record, Role, Word

AD_HOC_RUN = "adhoc"
"""Run id of documents that never went through the pipeline."""


class GivenTurn(Record):
    """A turn as the file has it."""

    speaker: Identifier
    start_ms: Milliseconds
    end_ms: Milliseconds
    text: str
    words: tuple[Word, ...] = ()

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.end_ms < self.start_ms:
            raise ValueError(f"end_ms {self.end_ms} lies before start_ms {self.start_ms}")
        return self


class GivenCall(Record):
    """A call as the file has it. ``channels``: of the recording; two or more mean one party a channel."""

    call_id: Identifier
    language: str | None = None
    direction: Direction = Direction.UNKNOWN
    channels: Annotated[int, Field(ge=1)] | None = None
    roles: Mapping[str, Role] = {}
    """Speaker to role, where it is known already."""
    turns: tuple[GivenTurn, ...]


def analyse_turns(engine: AnalysisEngine, payload: object) -> CallDocument:
    """The document of one parsed JSON object. Poison, with field and reason, when it is not as agreed."""
    try:
        given = GivenCall.model_validate(payload)
    except ValidationError as error:
        raise Poison(ErrorCode.CONTRACT, f"the transcript is not as agreed: {_complaints(error)}") from None
    facts = CallFacts(
        call_id=given.call_id,
        run_id=AD_HOC_RUN,
        status=DocumentStatus.COMPLETE,
        call=CallMetadata(direction=given.direction),
        channel_roles=tuple(given.roles.values()),
        language=given.language,
    )
    return engine.document(facts, _joined(given))


def _complaints(error: ValidationError) -> str:
    """Where and what, without the offending value: it may be what a customer said."""
    found = error.errors(include_input=False, include_url=False)
    return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'the object'}: {e['msg']}" for e in found[:5])


def _joined(given: GivenCall) -> Joined:
    turns = tuple(_spoken(n, turn) for n, turn in enumerate(_in_order(given), start=1))
    activity: dict[str, list[Interval]] = {}
    for turn in turns:
        activity.setdefault(turn.speaker, []).extend(piece.span for piece in turn.pieces)
    worded = any(turn.text.strip() for turn in turns)
    return Joined(
        speech=Speech(
            turns=turns,
            activity={speaker: tuple(spans) for speaker, spans in activity.items()},
            channels={speaker: number for number, speaker in enumerate(given.roles)},
        ),
        speakers_from="transcript",
        mixed=(given.channels or 1) < 2,  # noqa: PLR2004 -- one party a channel needs two
        unattributed=None if turns else SkipReason.NO_SPEECH,
        wordless=None if worded else SkipReason.NO_WORDS,
    )


def _in_order(given: GivenCall) -> list[GivenTurn]:
    return sorted(given.turns, key=lambda turn: turn.start_ms)


def _spoken(number: int, turn: GivenTurn) -> SpokenTurn:
    edges = [turn.start_ms, turn.end_ms, *(w.start_ms for w in turn.words), *(w.end_ms for w in turn.words)]
    whole = Interval(min(edges), max(edges))
    pieces = [
        Piece(text=w.word, span=Interval(w.start_ms, max(w.start_ms, w.end_ms)), channel=0, word=w)
        for w in turn.words
    ] or [Piece(text=turn.text, span=whole, channel=0, word=None)]
    return SpokenTurn(
        id=f"t{number:04d}", speaker=turn.speaker, text=turn.text, span=whole, pieces=tuple(pieces)
    )
