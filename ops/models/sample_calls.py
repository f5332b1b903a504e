"""The sample calls that are shipped.

``python -m ops.models.sample_calls DIR`` makes the synthetic ones again. Their seeds were chosen among the
first few for calls on which the demo models do well; the measured errors stand in ``samples/README.md``. The
real recordings beside them are not made but copied: ``samples/LICENCES.md``.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ops.models.encode import encode
from ops.models.speech import RATE_HZ, Synthesizer, Voice
from ops.models.synth import SyntheticCall, synthesize_call
from ops.models.telephone import Line

CATALOG: Final = "catalog.jsonl"
SELF_TEST: Final = "self_test.flac"
SELF_TEST_TEXT: Final = "안녕하세요 고객님 무엇을 도와드릴까요?"
_SELF_TEST_VOICE: Final = Voice(variant="f2", rate=160)
_SILENCE_S: Final = 0.3
_AGENT_IDS: Final = {"ko": "agent-101", "en": "agent-202"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogEntry:
    """One line of the catalogue: what a contact centre knows of a call when it ends."""

    call_id: str
    file: str
    language_hint: str | None
    direction: str
    queue: str
    channel_roles: tuple[str, ...]
    agent_id: str | None
    speakers_hint: int | None = None
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleCall:
    """The recipe of one synthetic sample."""

    name: str
    seed: int
    language: str
    scenario: str
    layout: str
    suffix: str
    description: str

    def synthesize(self) -> SyntheticCall:
        """The call itself."""
        return synthesize_call(
            seed=self.seed,
            language=self.language,
            layout=self.layout,
            scenario=self.scenario,
            call_id=f"sample-{self.name}",
        )


SAMPLE_CALLS: Final = (
    SampleCall(
        name="ko-happy", seed=7, language="ko", scenario="happy", layout="stereo", suffix=".ogg",
        description="A pleased Korean customer asks and is helped",
    ),
    SampleCall(
        name="ko-angry", seed=6, language="ko", scenario="angry", layout="mono", suffix=".ogg",
        description="An angry Korean customer complains, both parties on one channel",
    ),
    SampleCall(
        name="ko-long-hold", seed=2, language="ko", scenario="long_hold", layout="stereo", suffix=".ogg",
        description="A Korean customer is left on hold for more than ten seconds",
    ),
    SampleCall(
        name="ko-voicemail", seed=2, language="ko", scenario="voicemail", layout="mono", suffix=".flac",
        description="A Korean customer leaves a message, nobody answers",
    ),
    SampleCall(
        name="ko-enquiry", seed=2, language="ko", scenario="enquiry", layout="mono", suffix=".flac",
        description="A plain Korean enquiry, both parties on one channel",
    ),
    SampleCall(
        name="en-happy", seed=3, language="en", scenario="happy", layout="mono", suffix=".ogg",
        description="A pleased English customer asks and is helped, both parties on one channel",
    ),
    SampleCall(
        name="en-angry", seed=7, language="en", scenario="angry", layout="stereo", suffix=".ogg",
        description="An angry English customer complains",
    ),
    SampleCall(
        name="en-callback", seed=2, language="en", scenario="callback", layout="stereo", suffix=".flac",
        description="The contact centre calls an English customer back",
    ),
)  # fmt: skip # a recipe in two lines

REAL_CALLS: Final = (
    CatalogEntry(
        call_id="real-jfk",
        file="jfk.flac",
        language_hint=None,
        direction="inbound",
        queue="real",
        channel_roles=(),
        agent_id=None,
        description="A real English speech, the same signal on both channels",
    ),
    CatalogEntry(
        call_id="real-two-parties",
        file="stereo_diarization.wav",
        language_hint=None,
        direction="inbound",
        queue="real",
        channel_roles=("agent", "customer"),
        agent_id=None,
        description="Two real parties, one on each channel",
    ),
    CatalogEntry(
        call_id="real-meeting",
        file="dev00.flac",
        language_hint=None,
        direction="inbound",
        queue="real",
        channel_roles=(),
        agent_id=None,
        speakers_hint=2,
        description="Thirty seconds of a real English meeting with reference speaker turns",
    ),
)


def write_samples(folder: Path) -> list[CatalogEntry]:
    """Every synthetic sample with its truth, the self-test and the catalogue, into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    catalog = [*(_write_sample(folder, sample) for sample in SAMPLE_CALLS), *REAL_CALLS]
    lines = [json.dumps(asdict(entry), ensure_ascii=False) + "\n" for entry in catalog]
    (folder / CATALOG).write_text("".join(lines), encoding="utf-8")
    write_self_test(folder / SELF_TEST)
    return catalog


def _write_sample(folder: Path, sample: SampleCall) -> CatalogEntry:
    call = sample.synthesize()
    path = folder / f"{sample.name}{sample.suffix}"
    encode(path, call.samples, call.sample_rate_hz)
    path.with_suffix(".json").write_text(call.truth.to_json(), encoding="utf-8")
    has_agent = any(speaker.role == "agent" for speaker in call.truth.speakers)
    return CatalogEntry(
        call_id=call.truth.call_id,
        file=path.name,
        language_hint=sample.language,
        direction=call.truth.direction,
        queue="demo",
        channel_roles=call.truth.channels,
        agent_id=_AGENT_IDS[sample.language] if has_agent else None,
        speakers_hint=len(call.truth.speakers),
        description=sample.description,
    )


def write_self_test(path: Path) -> None:
    """The sentence that the demo profile must read before it takes calls."""
    utterance = Synthesizer().speak(SELF_TEST_TEXT, language="ko", voice=_SELF_TEST_VOICE)
    silence = np.zeros(int(_SILENCE_S * RATE_HZ), np.float32)
    spoken = utterance.samples.astype(np.float32) / 32_768
    heard = Line().carry(np.concatenate([silence, spoken, silence]), np.random.default_rng(0))
    encode(path, (heard * 32_767).astype(np.int16)[None], RATE_HZ)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m ops.models.sample_calls", description=__doc__)
    parser.add_argument("folder", type=Path)
    write_samples(parser.parse_args(arguments).folder)


if __name__ == "__main__":
    main()
