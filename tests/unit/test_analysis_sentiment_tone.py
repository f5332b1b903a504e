"""The tone: cues of grammar, whatever a sentence is about, with weights that the labelled sentences give."""

from pathlib import Path

import pytest

from consumers.analysis import data
from consumers.analysis.polarity import polarity_for, squashed
from consumers.analysis.tables import SHIPPED
from consumers.analysis.tokens import KoreanTokeniser, Tokeniser, WordTokeniser
from consumers.analysis.tone import Leaning, Tone, ToneTable
from consumers.analysis.wording import Setting
from ops.bench.sentiment_quality import PARTS, read
from ops.bench.sentiment_tone import learned, written
from schemas.records import Role

TOKENISERS: dict[str, Tokeniser] = {"ko": KoreanTokeniser(), "en": WordTokeniser()}


def tone(language: str) -> Tone:
    return polarity_for(SHIPPED, language).tone


def leaning(text: str, language: str = "ko") -> Leaning:
    return tone(language).leaning(TOKENISERS[language].tokenise(text))


@pytest.mark.parametrize("language", TOKENISERS)
def test_the_shipped_weights_are_those_that_the_labelled_sentences_give(language: str) -> None:
    shipped = tone(language).table
    again = learned(shipped)
    assert set(again.cues) == set(shipped.cues)
    for name, lean in again.cues.items():
        assert lean == pytest.approx(shipped.cues[name], abs=0.002)
    assert again.base == pytest.approx(shipped.base, abs=0.002)


@pytest.mark.parametrize("language", TOKENISERS)
def test_a_table_is_written_as_it_is_read(language: str) -> None:
    text = (Path(next(iter(data.__path__))) / f"tone.{language}.yaml").read_text(encoding="utf-8")
    assert written(text, tone(language).table) == text


@pytest.mark.parametrize("language", TOKENISERS)
def test_no_cue_is_about_anything(language: str) -> None:
    """Nouns, verbs and adjectives stand in a cue as their kind or part of speech only."""
    table = tone(language).table
    words = {word for cue in table.cues for word in cue.split(" ") if "/" in word}
    forms = {word.rpartition("/")[0] for word in words}
    if language == "en":
        kept = table.words | table.classes.keys()
        assert forms <= kept | {f"-{suffix}" for suffix in table.suffixes} | {"?"}
    else:
        tags = {word.rpartition("/")[2] for word in words}
        assert not tags & {"NNG", "NNP", "VV", "VA", "XR", "NR"}


def test_words_of_another_trade_leave_the_tone_as_it_is() -> None:
    assert leaning("택배가 안 왔어요")[:2] == leaning("모자가 안 왔어요")[:2]


def test_words_of_a_kind_are_one_cue_and_a_negator_denies_the_next_ones() -> None:
    table = ToneTable(
        version="1",
        language="en",
        tags=("SF",),
        words=frozenset({"never"}),
        classes={"harm": ("break", "leak")},
        negators=frozenset({"never"}),
        cues={"¬ harm/C": (0.0, 0.4), "harm/C": (0.3, 0.0)},
    )
    never, does = (
        Tone(table).leaning(TOKENISERS["en"].tokenise(text)) for text in ("they never leak", "they break")
    )
    assert (never.down, never.up) == (0.3, 0.4)
    assert (does.down, does.up) == (0.3, 0.0)


def test_no_word_is_of_two_kinds_or_both_kept_and_of_a_kind() -> None:
    for language in TOKENISERS:
        table = tone(language).table
        words = [word for kind in table.classes.values() for word in kind]
        assert len(words) == len(set(words))
        assert not table.words & set(words)


def test_punctuation_leaves_the_tone_as_it_is_but_for_a_question_mark() -> None:
    said, full, asked = (
        set(tone("ko").names(TOKENISERS["ko"].tokenise(text)))
        for text in ("아직도 안 왔어요", "아직도 안 왔어요.", "아직도 안 왔어요?")
    )
    assert full == said
    assert "?/SF" in asked - said


def test_a_favour_done_leans_upwards_and_a_promise_broken_downwards() -> None:
    favour, promise = leaning("문까지 달아 주셨어요"), leaning("단다고 하셨는데 안 다셨더라고요")
    assert favour.up > favour.down
    assert promise.down > promise.up


def test_a_cue_counts_once() -> None:
    table = ToneTable(version="1", language="ko", tags=("M",), cues={"또/MAG": (0.3, 0.0)})
    tokens = TOKENISERS["ko"].tokenise("또 오고 또 가요")
    found = Tone(table).leaning(tokens)
    assert (found.down, len(found.cues)) == (0.3, 1)


def test_an_agent_has_no_tone() -> None:
    tokens = TOKENISERS["ko"].tokenise("여태 소식도 없으시더라고요")
    polarity = polarity_for(SHIPPED, "ko")
    agent = polarity.score(tokens, Setting(role=Role.AGENT))
    assert not [found for found in agent.evidence if found.entry.startswith("tone ")]
    assert polarity.score(tokens, Setting(role=Role.CUSTOMER)).label == "negative"


@pytest.mark.parametrize("language", TOKENISERS)
def test_whatever_is_no_longer_neutral_rests_on_evidence_that_adds_up_to_it(language: str) -> None:
    polarity = polarity_for(SHIPPED, language)
    for labelled in (s for part in PARTS for s in read(part) if s.language == language):
        tokens = TOKENISERS[language].tokenise(labelled.text)
        found = polarity.score(tokens, Setting(role=labelled.role))
        assert found.evidence or found.score == 0
        assert squashed(sum(e.weight for e in found.evidence)) == pytest.approx(found.score, abs=0.005)
