"""The benchmark of sentiment: its labelled sentences are as agreed and its measure is the one it names."""

from collections import Counter

import pytest

from ops.bench.sentiment_quality import LABELS, Labelled, Substrings, macro_f1, read
from schemas.records import Role


def sentence(label: str, text: str = "x") -> Labelled:
    return Labelled(id="x", language="ko", role=Role.CUSTOMER, text=text, label=label)  # type: ignore[arg-type]  # a label


def test_there_are_six_hundred_sentences_and_no_part_shares_one_with_another() -> None:
    texts = Counter((s.language, s.text) for part in ("dev", "frozen", "unseen") for s in read(part))
    assert sum(texts.values()) >= 600
    assert [text for text, times in texts.items() if times > 1] == []


@pytest.mark.parametrize("part", ["dev", "frozen", "unseen"])
@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_label_occurs_in_every_part(part: str, language: str) -> None:
    assert {s.label for s in read(part) if s.language == language} == set(LABELS)


def test_macro_f1_weighs_each_label_alike() -> None:
    sentences = [sentence("negative"), sentence("negative"), sentence("neutral"), sentence("positive")]
    assert macro_f1(sentences, lambda s: s.label) == 1
    assert macro_f1(sentences, lambda _: "negative") == pytest.approx((2 * 2 / (2 + 4)) / 3)


def test_the_plain_lexicon_falls_for_words_within_words() -> None:
    assert Substrings("en")(sentence("neutral", "the goods were received")) == "positive"
