"""Completeness: whatever moves while it is looked at, every call is accounted for exactly once."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from infra.completeness import SPEECH_STAGES, Completeness, Entries, Entry, Key, account, gather
from ops.cli.status import exposition, told
from schemas.topics import STAGES

NEXT = {"waiting": ("retrying", "arrived"), "retrying": ("retrying", "arrived"), "arrived": ("stored",)}
"""How one speech stage's part of a call moves on; from waiting and retrying it may also be lost."""


@dataclass
class Model:
    """A pipeline of calls in one partition; every place is asked after some more steps were made."""

    calls: int
    step: Callable[["Model"], None]
    state: dict[tuple[int, str], str] = field(default_factory=dict)
    analysis: dict[int, str] = field(default_factory=dict)
    lost: set[int] = field(default_factory=set)
    asked: int = 0

    def __post_init__(self) -> None:
        self.state = {(call, stage): "waiting" for call in range(self.calls) for stage in SPEECH_STAGES}

    def move(self, call: int, stage: str, choice: int) -> None:
        """One part goes one step further; a call with both parts is analysed, perhaps after a retry."""
        if call in self.lost:
            return
        now = self.state[call, stage]
        if now == "arrived" and self._other_stored(call, stage):
            later = self.analysis.get(call) is None and choice % 3 == 0
            self.analysis[call] = "retrying" if later else "documented"
            self.state[call, stage] = "stored"
        elif now in NEXT:
            self.state[call, stage] = NEXT[now][choice % len(NEXT[now])]
        elif self.analysis.get(call) == "retrying":
            self.analysis[call] = "documented"

    def lose(self, call: int) -> None:
        """The record of a call vanishes from every place before it has a document."""
        if call not in self.analysis:
            self.lost.add(call)

    def _other_stored(self, call: int, stage: str) -> bool:
        return all(self.state[call, other] == "stored" for other in SPEECH_STAGES if other != stage)

    def _ids(self, stages: Sequence[str], state: str) -> Counter[str]:
        return Counter(
            f"call-{call}"
            for (call, stage), now in self.state.items()
            if stage in stages and now == state and call not in self.lost
        )

    async def entries(self) -> Entries:
        self.step(self)
        calls = {_key(n): Entry(partition=0, offset=n, at_ms=1_000 + n) for n in range(self.calls)}
        return Entries(calls=calls, unreadable=0)

    async def done(self, stage: str) -> Mapping[int, int]:
        """The prefix of calls that the stage has done, as commits say it."""
        self.step(self)
        waiting = [n for n in range(self.calls) if self.state[n, stage] == "waiting" and n not in self.lost]
        return {0: min(waiting, default=self.calls)}

    async def replaying(self, _stage: str) -> Counter[str]:
        self.step(self)
        return Counter()

    async def retrying(self, stage: str) -> Counter[str]:
        self.step(self)
        if stage == "analysis":
            return Counter(f"call-{n}" for n, now in self.analysis.items() if now == "retrying")
        return self._ids([stage], "retrying")

    async def arriving(self) -> Counter[str]:
        self.step(self)
        return self._ids(SPEECH_STAGES, "arrived")

    async def statuses(self, keys: Sequence[Key]) -> Mapping[Key, str]:
        self.step(self)
        done = {_key(n) for n, now in self.analysis.items() if now == "documented"}
        return {key: "complete" for key in keys if key in done}

    async def dead(self) -> Mapping[str, int]:
        return {}


def _key(number: int) -> Key:
    return "default", f"call-{number}"


def _look(model: Model) -> Completeness:
    return account(asyncio.run(gather(model)))


MOVES = st.lists(
    st.lists(st.tuples(st.integers(0, 4), st.sampled_from(SPEECH_STAGES), st.integers(0, 5)), max_size=8),
    min_size=12,
    max_size=12,
)


def _stepper(moves: list[list[tuple[int, str, int]]]) -> Callable[[Model], None]:
    left = iter(moves)

    def step(model: Model) -> None:
        for call, stage, choice in next(left, []):
            model.move(call, stage, choice)

    return step


@given(MOVES)
def test_a_call_that_moves_on_while_it_is_looked_at_is_never_called_lost(
    moves: list[list[tuple[int, str, int]]],
) -> None:
    found = _look(Model(calls=5, step=_stepper(moves)))
    assert found.lost == ()
    assert found.calls == 5 == sum(found.documents.values()) + found.unfinished


@given(MOVES, st.sets(st.integers(0, 4)))
def test_calls_that_vanish_are_lost_once_the_stages_have_gone_past_them(
    moves: list[list[tuple[int, str, int]]], vanished: set[int]
) -> None:
    """in = documents + unfinished + lost at every look; when all else is done, lost is what vanished."""
    model = Model(calls=5, step=_stepper(moves))
    for call in vanished:
        model.lose(call)
    found = _look(model)
    assert found.calls == sum(found.documents.values()) + found.unfinished + len(found.lost)
    assert set(found.lost) <= {_key(n) for n in vanished}
    for _ in range(20):
        for call in range(5):
            for stage in SPEECH_STAGES:
                model.move(call, stage, 1)
    settled = _look(model)
    assert settled.lost == tuple(sorted(_key(n) for n in vanished))
    assert settled.unfinished == 0
    assert settled.oldest_unfinished_at_ms is None


def test_the_oldest_unfinished_call_and_the_stages_that_owe_its_parts_are_named() -> None:
    model = Model(calls=3, step=lambda _: None)
    for stage in SPEECH_STAGES:
        for _ in range(3):
            model.move(0, stage, 1)
    model.move(1, "transcription", 1)
    found = _look(model)
    assert found.documents == {"complete": 1}
    assert found.oldest_unfinished_at_ms == 1_001
    assert found.in_flight == {"transcription": 1, "diarization": 2, "analysis": 1}
    assert found.unfinished == 2
    assert set(found.in_flight) == set(STAGES)


def test_an_account_is_written_as_json_and_for_prometheus() -> None:
    model = Model(calls=2, step=lambda _: None)
    model.lose(1)
    for stage in SPEECH_STAGES:
        for _ in range(3):
            model.move(0, stage, 1)
    found = _look(model)
    body = json.loads(json.dumps(told(found, {_key(1): ("diarization",)})))
    assert body["documents"] == {"complete": 1}
    assert body["lost"] == [{"tenant": "default", "call_id": "call-1", "missing": ["diarization"]}]
    text = exposition(found)
    assert "callytics_status_lost 1.0" in text
    assert 'callytics_status_documents{status="complete"} 1.0' in text
