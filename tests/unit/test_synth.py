"""The rules of the synthetic calls: the truth holds, and the same seed is the same call."""

import json
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ops.models import synth
from ops.models.grammar import is_held_out, load_grammar, words_of
from ops.models.scenarios import SCENARIOS
from ops.models.speech import FEMALE_VOICES, MALE_VOICES, Synthesizer, Voice
from ops.models.synth import SyntheticCall, synthesize_call
from ops.models.truth import TrueTurn

RATE = 8_000


@cache
def call(language: str, layout: str, scenario: str) -> SyntheticCall:
    return synthesize_call(seed=5, language=language, layout=layout, scenario=scenario)


def level_db(samples: NDArray[np.int16], start_ms: int, end_ms: int) -> float:
    part = samples[start_ms * RATE // 1000 : end_ms * RATE // 1000].astype(float)
    return float(10 * np.log10((part**2).mean() + 1e-9))


ALL = [
    ("ko", "stereo", "happy"),
    ("en", "stereo", "angry"),
    ("ko", "mono", "long_hold"),
    ("en", "mono", "voicemail"),
    ("ko", "stereo", "enquiry"),
    ("en", "stereo", "callback"),
]


def test_the_command_writes_the_same_bytes_for_the_same_seed(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        synth.main(["--seed", "3", "--calls", "4", "--out", str(folder)])
    names = sorted(path.name for path in first.iterdir())
    assert len(names) == 8
    assert names == sorted(path.name for path in second.iterdir())
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in names)


def test_a_call_does_not_depend_on_what_was_synthesised_before() -> None:
    alone = synthesize_call(seed=9, language="en", layout="mono", scenario="voicemail")
    synthesize_call(seed=10, language="ko", layout="stereo", scenario="happy")
    again = synthesize_call(seed=9, language="en", layout="mono", scenario="voicemail")
    assert np.array_equal(alone.samples, again.samples)
    assert alone.truth == again.truth


def test_another_seed_is_another_call() -> None:
    assert synthesize_call(seed=6).truth.turns != synthesize_call(seed=7).truth.turns


@pytest.mark.parametrize("which", ALL)
def test_there_is_speech_where_the_truth_has_words(which: tuple[str, str, str]) -> None:
    made = call(*which)
    for turn in made.truth.turns:
        channel = made.samples[turn.channel]
        loud = level_db(channel, turn.start_ms, turn.end_ms)
        quiet = level_db(channel, 0, 500)
        assert loud > quiet + 15
        assert level_db(channel, turn.start_ms, turn.start_ms + 200) > quiet + 6
        assert level_db(channel, turn.end_ms - 250, turn.end_ms) > quiet + 6


@pytest.mark.parametrize("which", [which for which in ALL if which[1] == "stereo"])
def test_each_party_is_on_its_own_channel_alone(which: tuple[str, str, str]) -> None:
    made = call(*which)
    assert made.truth.channels == ("agent", "customer")
    assert made.samples.shape[0] == 2
    for turn in made.truth.turns:
        other = [t for t in made.truth.turns if t.channel != turn.channel]
        if all(t.end_ms < turn.start_ms or t.start_ms > turn.end_ms for t in other):
            here = level_db(made.samples[turn.channel], turn.start_ms, turn.end_ms)
            there = level_db(made.samples[1 - turn.channel], turn.start_ms, turn.end_ms)
            assert here > there + 15


@pytest.mark.parametrize("which", ALL)
def test_words_and_turns_agree(which: tuple[str, str, str]) -> None:
    made = call(*which)
    vocabulary = load_grammar(made.truth.language).vocabulary()
    for turn in made.truth.turns:
        assert " ".join(word.word for word in turn.words) == turn.text
        assert set(words_of(turn.text)) <= vocabulary
        assert (turn.start_ms, turn.end_ms) == (turn.words[0].start_ms, turn.words[-1].end_ms)
        times = [time for word in turn.words for time in (word.start_ms, word.end_ms)]
        assert times == sorted(times)
        assert all(word.start_ms < word.end_ms for word in turn.words)
        assert turn.end_ms - turn.start_ms <= 8_000
    assert made.truth.turns[-1].end_ms <= made.truth.duration_ms


def test_mono_is_one_channel_with_no_roles_and_no_overlap() -> None:
    made = call("ko", "mono", "long_hold")
    assert (made.samples.shape[0], made.truth.channels) == (1, ())
    assert all(b.start_ms > a.end_ms for a, b in pairs(made))


def test_some_stereo_turns_overlap_shortly() -> None:
    calls = [call(*which) for which in ALL if which[1] == "stereo"]
    overlaps = [a.end_ms - b.start_ms for made in calls for a, b in pairs(made) if b.start_ms < a.end_ms]
    assert overlaps
    assert max(overlaps) <= 450


def pairs(made: SyntheticCall) -> list[tuple[TrueTurn, TrueTurn]]:
    return list(pairwise(made.truth.turns))


def test_a_long_hold_is_more_than_ten_silent_seconds() -> None:
    made = call("ko", "mono", "long_hold")
    start_ms, end_ms = max(((a.end_ms, b.start_ms) for a, b in pairs(made)), key=lambda gap: gap[1] - gap[0])
    assert end_ms - start_ms > 10_000
    spoken = level_db(made.samples[0], made.truth.turns[0].start_ms, made.truth.turns[0].end_ms)
    assert level_db(made.samples[0], start_ms + 200, end_ms - 200) < spoken - 15


def test_a_voicemail_has_one_speaker() -> None:
    truth = call("en", "mono", "voicemail").truth
    assert [speaker.role for speaker in truth.speakers] == ["customer"]
    assert {turn.speaker for turn in truth.turns} == {"customer"}


@pytest.mark.parametrize("scenario", [name for name in SCENARIOS if name != "voicemail"])
def test_agent_and_customer_are_a_woman_and_a_man(scenario: str) -> None:
    voices = {speaker.voice for speaker in synthesize_call(seed=2, scenario=scenario).truth.speakers}
    assert len(voices & set(FEMALE_VOICES)) == len(voices & set(MALE_VOICES)) == 1


def test_an_unseen_call_says_only_held_out_sentences() -> None:
    truth = synthesize_call(seed=1, language="ko", scenario="enquiry", unseen=True).truth
    assert all(is_held_out(turn.text) for turn in truth.turns)


def test_the_truth_is_written_as_promised() -> None:
    document = json.loads(call("ko", "stereo", "happy").truth.to_json())
    assert set(document) == {
        "call_id", "language", "layout", "direction", "scenario", "channels", "duration_ms",
        "speakers", "turns",
    }  # fmt: skip # one list
    assert set(document["speakers"][0]) == {"speaker", "role", "voice", "channel"}
    assert set(document["turns"][0]["words"][0]) == {"word", "start_ms", "end_ms"}


@pytest.mark.parametrize("name", [{"layout": "quad"}, {"scenario": "party"}, {"language": "fr"}])
def test_an_unknown_name_is_refused(name: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="no "):
        synthesize_call(seed=1, **name)  # type: ignore[arg-type] # mypy takes the dict for any argument


def test_an_unknown_voice_is_refused_and_not_spoken_with_another() -> None:
    with pytest.raises(ValueError, match="no voice variant 'nobody'"):
        Synthesizer().speak("네", language="ko", voice=Voice(variant="nobody"))
