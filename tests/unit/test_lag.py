"""What waits at the broker: as records by lane, as seconds of audio, and as a consumer that fetches nothing."""

import asyncio
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from aiokafka import TopicPartition
from prometheus_client import REGISTRY

from infra.bus.lag import LagObserver
from infra.bus.ledger import Ledger, Partition
from infra.bus.lengths import AudioLengths
from infra.errors import Fatal
from schemas.topics import CALLS_ENDED, RETRIES

if TYPE_CHECKING:
    from infra.bus.loop import ConsumerLoop

LIVE, RETRY = TopicPartition(CALLS_ENDED.name, 0), TopicPartition(RETRIES[0].name, 0)
STAGE = "lag-test"


class Loop:
    """A loop as far as the observer sees it: ten live records behind, three postponed ones."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.paused: set[TopicPartition] = {RETRY}
        self.errors: list[Fatal] = []
        self.consumer = SimpleNamespace(
            assignment=lambda: {LIVE, RETRY},
            paused=lambda: self.paused,
            end_offsets=self._ends,
            position=self._position,
        )
        self.work = [SimpleNamespace(record=SimpleNamespace(timestamp=(time.time() - 50) * 1000))] * 2
        self.in_flight = 2
        self.fail = self.errors.append
        self.ledger.assign(Partition(*LIVE))
        self.ledger.start(Partition(*LIVE), 89)

    async def _ends(self, _: Any) -> dict[TopicPartition, int]:
        return {LIVE: 100, RETRY: 7}

    async def _position(self, _: TopicPartition) -> int:
        return 4


def _observer(loop: Loop, lengths: AudioLengths, *, stuck_after_s: float = 60) -> LagObserver:
    return LagObserver(
        cast("ConsumerLoop", loop), stage=STAGE, lengths=lengths, interval_s=1, stuck_after_s=stuck_after_s
    )


def _value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(f"callytics_{name}", {"stage": STAGE, **labels})


async def test_records_are_told_by_lane_and_audio_by_the_mean_length_of_calls() -> None:
    lengths = AudioLengths()
    for duration_ms in (60_000, None, 120_000):
        lengths.saw(duration_ms)
    await _observer(Loop(), lengths).observe()
    assert _value("waiting_records", lane="live") == 10
    assert _value("waiting_records", lane="retry") == 3
    assert _value("waiting_audio_seconds") == (10 + 3 + 2) * 90
    assert _value("oldest_unfinished_seconds") == pytest.approx(50, abs=5)


async def test_no_length_is_made_up_while_none_is_known() -> None:
    await _observer(Loop(), AudioLengths()).observe()
    audio_s = _value("waiting_audio_seconds")
    assert audio_s is not None
    assert audio_s != audio_s  # noqa: PLR0124 -- NaN is the only such value


async def test_a_partition_that_is_open_and_yields_nothing_ends_the_process() -> None:
    """aiokafka can forget a partition after a rebalance; a closed one, or one that moves, is no sign of it."""
    loop = Loop()
    observer = _observer(loop, AudioLengths(), stuck_after_s=0)
    loop.paused = {LIVE, RETRY}
    await observer.observe()
    assert loop.errors == []
    loop.paused = {RETRY}
    await observer.observe()
    assert [type(error) for error in loop.errors] == [Fatal]


async def test_a_partition_that_moves_is_not_stuck() -> None:
    loop = Loop()
    observer = _observer(loop, AudioLengths(), stuck_after_s=0.05)
    for offset in range(90, 96):
        await observer.observe()
        loop.ledger.start(Partition(*LIVE), offset)
        await asyncio.sleep(0.02)
    assert loop.errors == []
