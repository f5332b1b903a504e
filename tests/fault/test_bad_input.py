"""Broken recordings and broken events: each ends as a document or a dead letter, neighbours unharmed."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from infra.audio.load import load_recording
from infra.audio.policy import RecordingPolicy
from infra.bus.connection import make_producer
from infra.errors import CallyticsError
from infra.settings import INSTALLATION
from ops.bench.fault_rig.rig import FaultRig, numbered
from ops.models.synth import write_wav
from producers.call_ended import request_from
from schemas.codec import Codec, EncodeError
from schemas.records import CallEnded
from schemas.topics import CALLS_ENDED

pytestmark = [pytest.mark.real, pytest.mark.fault, pytest.mark.timeout(300)]

EACH = 200
SAMPLE = INSTALLATION / "ops" / "models" / "samples" / "ko-voicemail.flac"
HOSTILE = (
    "file:///etc/passwd",
    "file:///proc/self/environ",
    "../../etc/shadow",
    "http://169.254.169.254/latest/meta-data/",
    "http://127.0.0.1:22/",
    "http://[::1]/a.wav",
    "http://localhost:9200/",
    "ftp://example.org/a.wav",
    "gopher://example.org/",
    "s3://forbidden/a.wav",
    "file://example.org/share/a.wav",
    "data:audio/wav;base64,UklGRg==",
    "concat:/etc/passwd|/etc/hosts",
    "file:///dev/zero",
    "file:///a\x00b.wav",
    "//evil/share",
)


def broken_recordings(folder: Path) -> Iterator[Path]:
    """200 files: cut, flipped, empty, of another kind, with a lying header."""
    rng = random.Random(20261124)  # noqa: S311 -- the same corpus every time
    whole = SAMPLE.read_bytes()
    wav = folder / "whole.wav"
    write_wav(wav, np.zeros((1, 8_000), np.int16), 8_000)
    for number in range(EACH):
        path = folder / f"broken-{number:03d}.wav"
        source = whole if number % 2 else wav.read_bytes()
        path.write_bytes(_damage(source, rng, kind=number % 8))
        yield path


def _damage(source: bytes, rng: random.Random, *, kind: int) -> bytes:
    cut = source[: rng.randrange(len(source))]
    flipped = bytearray(source)
    for _ in range(rng.randrange(1, 40)):
        flipped[rng.randrange(len(flipped))] = rng.randrange(256)
    noise = rng.randbytes(rng.randrange(1, 4_000))
    header = bytearray(source[:64])
    for place in range(16, 40):
        header[place] = rng.randrange(256)
    return (
        b"",
        cut,
        bytes(flipped),
        noise,
        bytes(header) + source[64:],
        source[:4] + noise,
        b"#EXTM3U\nfile:///etc/passwd\n" + noise,
        b"%PDF-1.7\n" + noise,
    )[kind]


def test_every_broken_recording_is_heard_or_refused_with_a_reason(tmp_path: Path) -> None:
    """No other exception, no hang: what the decoder cannot read is the caller's to hear of."""
    policy = RecordingPolicy(allowed_roots=(tmp_path,), max_bytes=1 << 20, timeout_s=10, max_duration_s=60)
    outcomes: Counter[str] = Counter()
    for path in broken_recordings(tmp_path):
        try:
            waveform = load_recording(str(path), policy)
        except CallyticsError as error:
            outcomes[error.code if error.message else "without a reason"] += 1
        else:
            assert np.isfinite(waveform.samples).all()
            outcomes["heard"] += 1
    assert outcomes.total() == EACH
    assert not outcomes["without a reason"]
    assert outcomes["input_unreadable"] >= EACH // 4


def broken_events(ids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """200 records: fuzzed bytes, wrong types, hostile addresses, huge fields."""
    rng = random.Random(20261125)  # noqa: S311 -- the same corpus every time
    codec = Codec()
    for number, call_id in enumerate(ids):
        if number % 4 == 0:
            body = bytearray(codec.encode(_event(call_id, "/nowhere.wav")))
            for _ in range(rng.randrange(1, 6)):
                body[rng.randrange(10, len(body))] = rng.randrange(256)
            yield call_id, bytes(body)
        elif number % 4 == 1:
            yield call_id, rng.randbytes(rng.randrange(0, 500))
        elif number % 4 == 2:
            yield call_id, codec.encode(_event(call_id, HOSTILE[number // 4 % len(HOSTILE)]))
        else:
            huge = {
                "attributes": {f"k{n}": "x" * rng.randrange(1, 5_000) for n in range(60)},
                "language_hint": "x" * 300,
            }
            yield call_id, codec.encode(_event(call_id, "/nowhere.wav", **huge))


def _event(call_id: str, recording: str, **more: Any) -> CallEnded:
    event = request_from({"call_id": call_id, "recording": "/placeholder", **more}, where="corpus").event()
    broken = event.call.recording.model_copy(update={"uri": recording})
    return event.model_copy(update={"call": event.call.model_copy(update={"recording": broken})})


def test_every_broken_event_ends_as_a_document_or_a_dead_letter_and_neighbours_are_on_time(
    rig: FaultRig,
) -> None:
    ids = [numbered("broken", number) for number in range(EACH)]
    good = [numbered("sound", number) for number in range(40)]
    records = list(broken_events(ids))

    async def send() -> None:
        async with make_producer(rig.settings) as producer:
            for call_id, body in records:
                await producer.send_and_wait(CALLS_ENDED.name, body, key=call_id.encode())

    asyncio.run(send())
    rig.publish(good)
    rig.await_documents(good, within_s=90)
    rig.await_true(
        lambda: not _unaccounted(rig, ids), within_s=120, what=lambda: f"{_unaccounted(rig, ids)[:5]}"
    )
    assert rig.statuses(good) == {"complete": len(good)}


def _unaccounted(rig: FaultRig, ids: Sequence[str]) -> list[str]:
    """A fuzzed event may still be a valid one of another call id: its letter bears the record's key."""
    buried = {record.key.decode() for _, record in rig.letters(ids)}
    return [call_id for call_id in rig.missing(ids) if call_id not in buried]


def test_the_corpus_holds_no_event_that_cannot_be_written() -> None:
    try:
        assert len(list(broken_events([str(n) for n in range(EACH)]))) == EACH
    except EncodeError as error:
        pytest.fail(f"the corpus itself is broken: {error}")
