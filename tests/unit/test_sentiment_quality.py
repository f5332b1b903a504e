"""The benchmark of sentiment: its labelled sentences are as agreed and its measure is the one it names."""

from collections import Counter

import pytest

from ops.bench.sentiment_quality import FIRST_MEASURED, LABELS, PARTS, Labelled, Substrings, macro_f1, read
from ops.bench.sentiment_tone import PARTS as LEARNED_FROM
from schemas.records import Role


def sentence(label: str, text: str = "x") -> Labelled:
    return Labelled(id="x", language="ko", role=Role.CUSTOMER, text=text, label=label)  # type: ignore[arg-type]  # a label


def test_there_are_a_thousand_sentences_and_no_part_shares_one_with_another() -> None:
    texts = Counter((s.language, s.text) for part in PARTS for s in read(part))
    assert sum(texts.values()) >= 1000
    assert [text for text, times in texts.items() if times > 1] == []


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_label_occurs_in_every_part(part: str, language: str) -> None:
    assert {s.label for s in read(part) if s.language == language} == set(LABELS)


def test_macro_f1_weighs_each_label_alike() -> None:
    sentences = [sentence("negative"), sentence("negative"), sentence("neutral"), sentence("positive")]
    assert macro_f1(sentences, lambda s: s.label) == 1
    assert macro_f1(sentences, lambda _: "negative") == pytest.approx((2 * 2 / (2 + 4)) / 3)


def test_the_plain_lexicon_falls_for_words_within_words() -> None:
    assert Substrings("en")(sentence("neutral", "the goods were received")) == "positive"


@pytest.mark.parametrize(
    ("part", "least"),
    [
        ("blind_a", (150, 80)),
        ("blind_b", (150, 80)),
        ("blind_c", (100, 50)),
        ("blind_d", (100, 50)),
        ("blind_e", (60, 80)),
    ],
)
def test_a_blind_part_is_large_enough_for_its_first_figure(part: str, least: tuple[int, int]) -> None:
    counts = Counter(s.language for s in read(part))
    assert (counts["ko"] >= least[0], counts["en"] >= least[1]) == (True, True)
    assert {("ko", part), ("en", part)} <= set(FIRST_MEASURED)


def test_no_weight_is_learned_from_the_parts_that_are_held_out() -> None:
    assert not {"frozen", "blind_d", "blind_e"} & set(LEARNED_FROM)
    assert set(LEARNED_FROM) < set(PARTS)
