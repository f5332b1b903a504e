"""Synthetic contact-centre calls with their truth.

``python -m ops.models.synth --seed 1 --calls 6 --out DIR`` writes one 8 kHz PCM16 WAV and one JSON of the
same name for each call. The same seed gives the same bytes.
"""

import argparse
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import numpy as np
import structlog
from numpy.typing import NDArray

from ops.models.grammar import LANGUAGES, is_held_out, load_grammar
from ops.models.scenarios import SCENARIOS, Scenario, Step
from ops.models.speech import FEMALE_VOICES, MALE_VOICES, RATE_HZ, Synthesizer, Utterance, Voice
from ops.models.telephone import Line
from ops.models.truth import CallTruth, TrueSpeaker, TrueTurn, TrueWord

LAYOUTS: Final = ("stereo", "mono")
_MIXED: Final = "mixed"
_AGENT_RATE: Final = 160
_LEAD_S: Final = (0.6, 1.0)
_TAIL_S: Final = 0.7
_GAP_S: Final = (0.3, 0.9)
_SENTENCE_GAP_S: Final = (0.2, 0.35)
_OVERLAP_S: Final = (0.15, 0.45)
_OVERLAP_SHARE: Final = 0.2
_MAX_TURN_S: Final = 7.9
_TRIES: Final = 2_000
_CALLS_PER_SEED: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticCall:
    """A call: int16 samples of shape (channels, samples) at ``sample_rate_hz``, and what is said in it."""

    samples: NDArray[np.int16]
    sample_rate_hz: int
    truth: CallTruth


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """One sentence in its place: ``start_s`` is where its samples begin in the call."""

    role: str
    utterance: Utterance
    start_s: float

    @property
    def speech_end_s(self) -> float:
        return self.start_s + self.utterance.words[-1].end_s


def synthesize_call(
    *,
    seed: int,
    language: str = "ko",
    layout: str = "stereo",
    scenario: str = "happy",
    call_id: str | None = None,
    unseen: bool = False,
) -> SyntheticCall:
    """One call, the same for the same arguments, in any process.

    ``language`` is ``ko`` or ``en``, ``layout`` ``stereo`` (a channel for each party: agent, customer) or
    ``mono``, ``scenario`` a name of :data:`ops.models.scenarios.SCENARIOS`. With ``unseen`` every sentence is
    one that no model was trained on. ValueError for an unknown name.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"no layout {layout!r}: choose one of {', '.join(LAYOUTS)}")
    if scenario not in SCENARIOS:
        raise ValueError(f"no scenario {scenario!r}: choose one of {', '.join(SCENARIOS)}")
    flow = SCENARIOS[scenario]
    rng = Random(f"{seed}/{language}/{scenario}")
    script = _Script(language=language, rng=rng, unseen=unseen)
    voices = _voices(flow, rng)
    turns = _perform(flow, script, voices, layout=layout, rng=rng)
    channels = flow.roles if layout == "stereo" else ()
    samples = _record(turns, flow.roles, layout=layout, noise=np.random.default_rng(rng.getrandbits(32)))
    truth = CallTruth(
        call_id=call_id or f"demo-{language}-{scenario}-{layout}-{seed}",
        language=language,
        layout=layout,
        direction=flow.direction,
        scenario=scenario,
        channels=channels,
        duration_ms=samples.shape[1] * 1000 // RATE_HZ,
        speakers=tuple(
            TrueSpeaker(speaker=role, role=role, voice=voices[role].variant, channel=_channel(role, channels))
            for role in flow.roles
        ),
        turns=tuple(_true_turn(turn, channels) for turn in turns),
    )
    return SyntheticCall(samples=samples, sample_rate_hz=RATE_HZ, truth=truth)


class _Script:
    """Draws the sentences of one call, which keeps to one company, one customer and one matter."""

    def __init__(self, *, language: str, rng: Random, unseen: bool) -> None:
        self.grammar = load_grammar(language)
        self._rng = rng
        self._unseen = unseen
        self._used: set[str] = set()
        slots = self.grammar.slots
        self._matter = {name: rng.choice(slots[name]) for name in ("brand", "co", "item", "plan", "until")}
        self._agent, self._customer = rng.sample(slots["name"], 2)

    def sentence(self, category: str) -> str:
        """A sentence of a template not yet used, while there is one; RuntimeError where none is unseen."""
        templates = self.grammar.templates[category]
        fresh = [template for template in templates if template not in self._used] or templates
        for _ in range(_TRIES):
            template = self._rng.choice(fresh)
            sentence = self._say(category, template)
            if not self._unseen or is_held_out(sentence):
                self._used.add(template)
                return sentence
        raise RuntimeError(f"the grammar has no unseen sentence left of {category!r}: shorten the scenario")

    def _say(self, category: str, template: str) -> str:
        # Few sentences about one matter are unseen, so an unseen call takes any slot value and opener.
        if self._unseen:
            return self.grammar.say(template, self._rng, opener=self._rng.choice(self.grammar.openers))
        name = self._customer if category.startswith("identity") else self._agent
        return self.grammar.say(template, self._rng, fixed={**self._matter, "name": name})


def _voices(scenario: Scenario, rng: Random) -> dict[str, Voice]:
    """A woman and a man, so that every model and listener can tell them apart."""
    variants = [rng.choice(FEMALE_VOICES), rng.choice(MALE_VOICES)]
    rng.shuffle(variants)
    agent = Voice(variant=variants[0], rate=_AGENT_RATE + rng.randint(-5, 8))
    customer = Voice(
        variant=variants[1],
        rate=scenario.customer_rate + rng.randint(-5, 8),
        pitch_range=scenario.customer_pitch_range,
    )
    return {"agent": agent, "customer": customer}


def _perform(
    scenario: Scenario, script: _Script, voices: dict[str, Voice], *, layout: str, rng: Random
) -> list[list[_Said]]:
    """Every turn of the call, each the sentences that one speaker says without a break."""
    synthesizer = Synthesizer()
    language = script.grammar.language
    turns: list[list[_Said]] = []
    now_s = rng.uniform(*_LEAD_S)
    for step in scenario.steps:
        role = script.grammar.categories[step.says[0]].role
        if turns:
            now_s += _pause_s(step, other=role != turns[-1][0].role, layout=layout, rng=rng)
        turn: list[_Said] = []
        for category in step.says:
            text = script.sentence(category)
            utterance = synthesizer.speak(text, language=language, voice=voices[role])
            speech_s = utterance.words[-1].end_s - utterance.words[0].start_s
            start_s = now_s + (rng.uniform(*_SENTENCE_GAP_S) if turn else 0.0)
            if turn and start_s + speech_s - _speech_start_s(turn[0]) > _MAX_TURN_S:
                break
            turn.append(_Said(role=role, utterance=utterance, start_s=start_s - utterance.words[0].start_s))
            now_s = turn[-1].speech_end_s
        turns.append(turn)
    return turns


def _speech_start_s(said: _Said) -> float:
    return said.start_s + said.utterance.words[0].start_s


def _pause_s(step: Step, *, other: bool, layout: str, rng: Random) -> float:
    """Seconds from the end of the last turn to this one; negative where the speakers overlap."""
    if step.hold_s:
        return rng.uniform(*step.hold_s)
    if layout == "stereo" and other and rng.random() < _OVERLAP_SHARE:
        return -rng.uniform(*_OVERLAP_S)
    return rng.uniform(*_GAP_S)


def _record(
    turns: Sequence[Sequence[_Said]], roles: Sequence[str], *, layout: str, noise: np.random.Generator
) -> NDArray[np.int16]:
    """The parties over their lines: a channel each, or both over one."""
    said = [sentence for turn in turns for sentence in turn]
    length = round((max(sentence.speech_end_s for sentence in said) + _TAIL_S) * RATE_HZ)
    tracks = np.stack([_track(said, role, length) for role in roles])
    signals = tracks if layout == "stereo" else tracks.sum(axis=0, keepdims=True)
    heard = [Line.draw_good(noise).carry(signal, noise) for signal in signals]
    return (np.stack(heard) * 32_767).astype(np.int16)


def _track(said: Sequence[_Said], role: str, length: int) -> NDArray[np.float32]:
    track = np.zeros(length, np.float32)
    for sentence in said:
        if sentence.role == role:
            first = round(sentence.start_s * RATE_HZ)
            samples = sentence.utterance.samples[: length - first].astype(np.float32) / 32_768
            track[first : first + len(samples)] += samples
    return track


def _channel(role: str, channels: Sequence[str]) -> int:
    return channels.index(role) if channels else 0


def _true_turn(turn: Sequence[_Said], channels: Sequence[str]) -> TrueTurn:
    words = tuple(
        TrueWord(
            word=word.text,
            start_ms=round((said.start_s + word.start_s) * 1000),
            end_ms=round((said.start_s + word.end_s) * 1000),
        )
        for said in turn
        for word in said.utterance.words
    )
    return TrueTurn(
        speaker=turn[0].role,
        role=turn[0].role,
        channel=_channel(turn[0].role, channels),
        start_ms=words[0].start_ms,
        end_ms=words[-1].end_ms,
        text=" ".join(said.utterance.text for said in turn),
        words=words,
    )


def write_wav(path: Path, samples: NDArray[np.int16], rate_hz: int) -> None:
    """``samples`` of shape (channels, samples) as a PCM16 WAV."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[0])
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(samples.T.astype("<i2").tobytes())


def write_call(folder: Path, call: SyntheticCall) -> Path:
    """``call`` as ``<call_id>.wav`` and ``<call_id>.json`` in ``folder``; the path of the WAV."""
    path = folder / f"{call.truth.call_id}.wav"
    write_wav(path, call.samples, call.sample_rate_hz)
    path.with_suffix(".json").write_text(call.truth.to_json(), encoding="utf-8")
    return path


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m ops.models.synth", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--calls", type=int, default=6, help="how many calls")
    parser.add_argument("--out", type=Path, required=True, help="folder for the WAV and JSON files")
    parser.add_argument("--language", choices=[_MIXED, *LANGUAGES], default=_MIXED)
    parser.add_argument("--layout", choices=[_MIXED, *LAYOUTS], default=_MIXED)
    parser.add_argument("--scenario", choices=[_MIXED, *SCENARIOS], default=_MIXED)
    parser.add_argument("--unseen", action="store_true", help="only sentences that no model was trained on")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    for index in range(options.calls):
        call = synthesize_call(
            seed=options.seed * _CALLS_PER_SEED + index,
            language=_pick(options.language, LANGUAGES, index),
            layout=_pick(options.layout, LAYOUTS, index // len(LANGUAGES)),
            scenario=_pick(options.scenario, tuple(SCENARIOS), index),
            unseen=options.unseen,
        )
        path = write_call(options.out, call)
        structlog.get_logger().info("call_written", path=str(path), duration_ms=call.truth.duration_ms)


def _pick(option: str, choices: Sequence[str], index: int) -> str:
    """``option``, or each of ``choices`` in turn where it is ``mixed``."""
    return choices[index % len(choices)] if option == _MIXED else option


if __name__ == "__main__":
    main()
