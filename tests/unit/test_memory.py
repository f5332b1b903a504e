"""The memory of the speech stages: when an answer may be given again, and that it never stops a call."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from infra import memory as memory_module
from infra.audio.policy import RecordingPolicy
from infra.envelope import event_id
from infra.errors import CallyticsError, ErrorCode, Poison, Unavailable
from infra.memory import Engine, StageMemory, key_of
from infra.profiles import DiarizationProfile
from schemas.records import Call, CallDiarized, CallEnded, Recording, Role, SpeakerSegment, StageStatus

STAGE = "diarization"


class Results:
    """What a store would do, in memory; ``away`` as when it does not answer."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.lifetime = timedelta()
        self.away = False
        self.asked = 0

    async def get(self, key: str) -> bytes | None:
        self.asked += 1
        if self.away:
            raise Unavailable(ErrorCode.TRANSIENT, "away")
        return self.kept.get(key)

    async def put(self, key: str, answer: bytes, *, lifetime: timedelta) -> None:
        self.asked += 1
        if self.away:
            raise Unavailable(ErrorCode.TRANSIENT, "away")
        self.kept[key], self.lifetime = answer, lifetime


class Work:
    """An engine that counts how often it is asked."""

    def __init__(self, event: CallEnded) -> None:
        self.event = event
        self.done = 0

    async def __call__(self) -> CallDiarized:
        self.done += 1
        return CallDiarized(
            event_id=event_id(self.event, STAGE),
            call_id=self.event.call_id,
            run_id=self.event.run_id,
            produced_at_ms=1,
            call=self.event.call,
            status=StageStatus.OK,
            processing_ms=777,
            segments=(SpeakerSegment(speaker="A", start_ms=0, end_ms=900),),
        )


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    file = tmp_path / "a.wav"
    file.write_bytes(b"RIFF")
    return file


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights.bin").write_bytes(b"one")
    return folder


def _event(recording: Path, *, run_id: str = "1", revision: int = 1, queue: str | None = None) -> CallEnded:
    return CallEnded(
        event_id="e",
        call_id="call-1",
        run_id=run_id,
        revision=revision,
        produced_at_ms=1,
        call=Call(recording=Recording(uri=recording.as_uri()), queue=queue),
    )


def _engine(model: Path) -> Engine:
    spec = DiarizationProfile(pipeline=str(model))
    return Engine(profile="demo", spec=spec, model=str(model), packages=("numpy",))


def _memory(results: Any, root: Path, clock: list[float] | None = None) -> StageMemory[CallDiarized]:
    now = clock or [0.0]
    return StageMemory(
        results,
        stage=STAGE,
        answer_type=CallDiarized,
        policy=RecordingPolicy(allowed_roots=(root,)),
        lifetime=timedelta(hours=5),
        clock=lambda: now[0],
    )


def _counted(outcome: str) -> float:
    labels = {"stage": STAGE, "outcome": outcome}
    return REGISTRY.get_sample_value("callytics_stage_results_total", labels) or 0.0


async def test_a_replay_is_answered_from_memory_under_its_own_envelope(recording: Path, model: Path) -> None:
    """Segments and processing time are the first run's; ids, revision and the call's facts the new one's."""
    results = Results()
    memory = _memory(results, recording.parent)
    first, second = _event(recording), _event(recording, run_id="replay-1", revision=2, queue="vip")
    work = Work(first)
    hits, misses = _counted("hit"), _counted("miss")
    await memory.answer(first, _engine(model), work)
    again = await memory.answer(second, _engine(model), work)
    assert work.done == 1
    assert (again.run_id, again.revision, again.call.queue) == ("replay-1", 2, "vip")
    assert again.event_id == event_id(second, STAGE)
    assert (again.processing_ms, again.segments) == (777, (await work()).segments)
    assert results.lifetime == timedelta(hours=5)
    assert (_counted("hit") - hits, _counted("miss") - misses) == (1, 1)


async def test_another_recording_under_the_same_address_is_worked_out_anew(
    recording: Path, model: Path
) -> None:
    memory, event = _memory(Results(), recording.parent), _event(recording)
    work = Work(event)
    await memory.answer(event, _engine(model), work)
    await asyncio.to_thread(recording.write_bytes, b"RIFFanother")
    await memory.answer(event, _engine(model), work)
    assert work.done == 2


async def test_a_model_that_was_exchanged_in_its_place_is_another_model(recording: Path, model: Path) -> None:
    memory, event = _memory(Results(), recording.parent), _event(recording)
    work = Work(event)
    await memory.answer(event, _engine(model), work)
    (model / "weights.bin").write_bytes(b"two")
    memory_module._model_digest.cache_clear()  # as in a service that was started anew
    await memory.answer(event, _engine(model), work)
    assert work.done == 2


def test_the_same_model_in_another_place_is_the_same_model(tmp_path: Path, model: Path) -> None:
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    (moved / "weights.bin").write_bytes(b"one")
    assert _engine(moved).identity() == _engine(model).identity()


async def test_a_store_that_is_away_stops_no_call_and_is_not_asked_again_for_a_minute(
    recording: Path, model: Path
) -> None:
    results, clock = Results(), [100.0]
    memory, event = _memory(results, recording.parent, clock), _event(recording)
    work = Work(event)
    results.away = True
    unavailable = _counted("unavailable")
    for _ in range(3):
        assert (await memory.answer(event, _engine(model), work)).segments
    assert (work.done, results.asked) == (3, 1)
    assert _counted("unavailable") - unavailable == 3
    results.away, clock[0] = False, 161.0
    await memory.answer(event, _engine(model), work)
    await memory.answer(event, _engine(model), work)
    assert work.done == 4


async def test_an_answer_that_cannot_be_read_any_more_is_worked_out_anew(
    recording: Path, model: Path
) -> None:
    results, event = Results(), _event(recording)
    memory, work = _memory(results, recording.parent), Work(event)
    await memory.answer(event, _engine(model), work)
    results.kept = dict.fromkeys(results.kept, b"of another release")
    await memory.answer(event, _engine(model), work)
    assert work.done == 2


async def test_a_failed_work_is_not_remembered(recording: Path, model: Path) -> None:
    results, event = Results(), _event(recording)

    async def fail() -> CallDiarized:
        raise Poison(ErrorCode.INPUT_UNREADABLE, "no audio")

    with pytest.raises(Poison):
        await _memory(results, recording.parent).answer(event, _engine(model), fail)
    assert results.kept == {}


@pytest.mark.parametrize(
    ("file", "code"), [("none.wav", ErrorCode.INPUT_MISSING), ("../x.wav", ErrorCode.INPUT_FORBIDDEN)]
)
async def test_a_recording_that_cannot_be_read_fails_as_in_the_engine(
    recording: Path, model: Path, file: str, code: ErrorCode
) -> None:
    event = _event(recording.parent / file)
    with pytest.raises(CallyticsError) as caught:
        await _memory(Results(), recording.parent).answer(event, _engine(model), Work(event))
    assert caught.value.code is code


calls = st.builds(
    CallEnded,
    event_id=st.just("e"),
    call_id=st.sampled_from(["a", "b"]),
    tenant=st.sampled_from(["a", "b"]),
    run_id=st.sampled_from(["1", "2"]),
    produced_at_ms=st.just(1),
    call=st.builds(
        Call,
        recording=st.builds(
            Recording,
            uri=st.just("/a.wav"),
            channel_roles=st.sampled_from([(), (Role.AGENT, Role.CUSTOMER), (Role.CUSTOMER, Role.AGENT)]),
        ),
        language_hint=st.sampled_from([None, "ko", "en"]),
        speakers_hint=st.sampled_from([None, 1, 2]),
        queue=st.sampled_from([None, "q"]),
    ),
)


@given(calls, calls, st.sampled_from(["transcription", "diarization"]), st.sampled_from(["x", "y"]))
def test_two_keys_are_equal_exactly_when_all_that_the_answer_depends_on_is(
    one: CallEnded, two: CallEnded, stage: str, digest: str
) -> None:
    def depends_on(event: CallEnded, stage: str, digest: str) -> tuple[object, ...]:
        call = event.call
        hints = (call.language_hint, call.speakers_hint, call.recording.channel_roles)
        return (event.tenant, event.call_id, stage, digest, *hints)

    same = depends_on(one, stage, digest) == depends_on(two, "diarization", "x")
    assert (key_of(one, stage, digest, {}) == key_of(two, "diarization", "x", {})) is same
