"""Replays: what is sent for which stage, at which pace, and when one ends."""

from typing import Any

import pytest

from infra.bus import headers
from infra.bus.publisher import Publisher
from infra.envelope import event_id
from infra.store import Assembly, CallKey, Newest, Replay, ReplayState, Selection
from producers import replay as replay_module
from producers.replay import Pace, ReplayRun, again, expected_s, length_of
from schemas.codec import Codec
from schemas.records import (
    Call,
    CallDiarized,
    CallEnded,
    CallTranscribed,
    Event,
    Recording,
    StageStatus,
)

CALL = Call(recording=Recording(uri="file:///srv/a.wav"), started_at_ms=1_000, ended_at_ms=61_000)


def _ended(call_id: str = "call-1", *, revision: int = 1) -> CallEnded:
    return CallEnded(
        event_id="e", call_id=call_id, run_id="1", revision=revision, produced_at_ms=1, call=CALL
    )


def _part(kind: type[Any], call_id: str = "call-1") -> Any:
    return kind(event_id="p", call_id=call_id, run_id="1", produced_at_ms=1, call=CALL, status=StageStatus.OK)


PARTS = Assembly(transcribed=_part(CallTranscribed), diarized=_part(CallDiarized))
NEWEST = Newest(run_id="1", revision=3, duration_ms=5_000)
SENT_FOR = {
    "all": [(CallEnded, "ended")],
    "transcription": [(CallEnded, "ended"), (CallDiarized, "diarization")],
    "diarization": [(CallEnded, "ended"), (CallTranscribed, "transcription")],
    "analysis": [(CallTranscribed, "transcription"), (CallDiarized, "diarization")],
}


@pytest.mark.parametrize("stage", SENT_FOR)
def test_a_replay_sends_what_its_stage_reads_and_the_parts_that_it_does_not_make(stage: str) -> None:
    """Each record has the replay's run, the next revision and the id that its maker would give it."""
    events = again(_ended(), NEWEST, PARTS, replay_id="r", stage=stage)
    assert [type(event) for event in events] == [kind for kind, _ in SENT_FOR[stage]]
    for event, (_, maker) in zip(events, SENT_FOR[stage], strict=True):
        assert (event.run_id, event.revision) == ("r", 4)
        assert event.event_id == event_id(event, maker)


@pytest.mark.parametrize("stage", ["transcription", "diarization", "analysis"])
def test_a_stage_whose_other_parts_are_gone_is_not_replayed_alone(stage: str) -> None:
    assert again(_ended(), NEWEST, None, replay_id="r", stage=stage) == ()


def test_a_part_that_is_made_anew_need_not_be_stored() -> None:
    only = Assembly(transcribed=None, diarized=PARTS.diarized)
    assert len(again(_ended(), NEWEST, only, replay_id="r", stage="transcription")) == 2


@pytest.mark.parametrize(
    ("event_revision", "newest", "expected"), [(1, NEWEST, 4), (7, NEWEST, 8), (1, None, 2)]
)
def test_the_revision_is_above_all_that_is_known(
    event_revision: int, newest: Newest | None, expected: int
) -> None:
    (event,) = again(_ended(revision=event_revision), newest, None, replay_id="r", stage="all")
    assert event.revision == expected


def test_the_length_of_a_call_is_measured_or_told_or_unknown() -> None:
    assert length_of(_ended(), NEWEST) == 5_000
    assert length_of(_ended(), None) == 60_000
    untold = _ended().model_copy(update={"call": Call(recording=CALL.recording)})
    assert length_of(untold, None) is None


def test_the_expected_time_is_that_of_the_last_like_replay_or_unknown() -> None:
    done = Replay(
        id="a",
        selection=Selection(until_ms=1, stage="analysis"),
        state=ReplayState.DONE,
        finished=10,
        created_at_ms=0,
        ended_at_ms=20_000,
    )
    assert expected_s(100, "analysis", [done]) == 200
    assert expected_s(100, "all", [done]) is None
    cancelled = done.model_copy(update={"state": ReplayState.CANCELLED})
    assert expected_s(100, "analysis", [cancelled]) is None


class Backend:
    """Producer, documents, assemblies and books in one; ``finish`` says which sent calls end at each look."""

    def __init__(self, *, finishes: bool = True) -> None:
        self.documents = self.assemblies = self.replays = self
        self.sent: list[tuple[str, Event, dict[str, str]]] = []
        self.ended: set[CallKey] = set()
        self.finishes = finishes
        self.most_outstanding = 0
        self.books = Replay(id="r", selection=Selection(until_ms=9), created_at_ms=1)

    async def send_and_wait(self, topic: str, *, key: bytes, value: bytes, headers: Any) -> None:
        event = Codec().decode(value, (CallEnded, CallTranscribed, CallDiarized))
        assert key == event.call_id.encode()
        self.sent.append((topic, event, {name: text.decode() for name, text in headers}))

    async def newest(self, _: Any) -> dict[CallKey, Newest]:
        return {}

    async def find(self, key: CallKey, _: str) -> Assembly | None:
        return None if key[1] == "gone" else PARTS

    async def calls_of(self, _: str, among_keys: Any = None) -> frozenset[CallKey]:
        if among_keys is not None:
            self.most_outstanding = max(self.most_outstanding, len(among_keys))
            self.ended |= set(among_keys if self.finishes else ())
        return frozenset(self.ended)

    async def update(self, _: str, **changes: Any) -> Replay | None:
        if not self.books.is_open:
            return None
        self.books = Replay.model_validate(self.books.model_dump() | changes)
        return self.books


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_module, "_TICK_S", 0)


def _run(backend: Any, calls: int, pace: Pace) -> ReplayRun:
    events = {("default", f"c{n}"): _ended(f"c{n}") for n in range(calls)}
    ticks = iter(range(10_000))
    publisher = Publisher(backend, Codec())
    return ReplayRun(
        backend.books, events, publisher=publisher, store=backend, pace=pace, clock=lambda: float(next(ticks))
    )


@pytest.mark.usefixtures("quick")
async def test_every_call_is_sent_once_marked_with_the_replay_and_the_books_end_as_done() -> None:
    backend = Backend()
    books = [now async for now in _run(backend, 25, Pace(rate=4, window=50)).progress()]
    assert books[-1].state is ReplayState.DONE
    assert (books[-1].total, books[-1].published, books[-1].finished) == (25, 25, 25)
    assert sorted(event.call_id for _, event, _ in backend.sent) == sorted(f"c{n}" for n in range(25))
    for topic, _, marks in backend.sent:
        assert topic == "calls.ended.replay"
        assert marks[headers.REPLAY_ID] == "r"
        assert headers.REPLAY_STAGE not in marks


@pytest.mark.usefixtures("quick")
async def test_no_more_than_the_rate_goes_out_in_a_second() -> None:
    """The clock of this test moves on a second a step."""
    backend, before = Backend(), 0
    async for books in _run(backend, 20, Pace(rate=3, window=50)).progress():
        assert books.published - before <= 3
        before = books.published


@pytest.mark.usefixtures("quick")
async def test_a_replay_waits_while_a_window_of_calls_is_unfinished_and_ends_when_it_is_cancelled() -> None:
    backend = Backend(finishes=False)
    steps = 0
    async for books in _run(backend, 100, Pace(rate=50, window=7)).progress():
        steps += 1
        if steps == 5:
            assert len(backend.sent) == 7
            await backend.update("r", state=ReplayState.CANCELLED)
        last = books
    assert (last.state, steps) == (ReplayState.CANCELLED, 6)
    assert backend.books.state is ReplayState.CANCELLED
    assert backend.most_outstanding == 7


@pytest.mark.usefixtures("quick")
async def test_a_resumed_replay_sends_only_what_has_not_ended() -> None:
    backend = Backend()
    backend.ended = {("default", f"c{n}") for n in range(8)}
    books = [now async for now in _run(backend, 10, Pace()).progress()]
    assert sorted(event.call_id for _, event, _ in backend.sent) == ["c8", "c9"]
    assert books[-1].finished == 10


@pytest.mark.usefixtures("quick")
async def test_a_replay_of_no_calls_is_done_at_once() -> None:
    books = [now async for now in _run(Backend(), 0, Pace()).progress()]
    assert [now.state for now in books] == [ReplayState.DONE]


@pytest.mark.usefixtures("quick")
async def test_calls_whose_parts_are_gone_are_skipped_and_counted() -> None:
    backend = Backend()
    backend.books = backend.books.model_copy(update={"selection": Selection(until_ms=9, stage="analysis")})
    books = [now async for now in _run(backend, 3, Pace()).progress()]
    assert (books[-1].state, books[-1].skipped, backend.sent) == (ReplayState.DONE, 3, [])
