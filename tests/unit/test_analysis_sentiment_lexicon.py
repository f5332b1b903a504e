"""Each entry of the shipped sentiment lexicons is alive: it matches its own example and tells its own sign."""

from collections import Counter
from collections.abc import Iterator

import pytest

from consumers.analysis.lexicon import Entry, SentimentTable, compile_pattern
from consumers.analysis.polarity import SENTENCE_THRESHOLD, label_of, polarity_for, squashed
from consumers.analysis.tables import SHIPPED
from consumers.analysis.tokens import KoreanTokeniser, Tokeniser, WordTokeniser
from consumers.analysis.wording import Setting
from schemas.records import Role

TOKENISERS: dict[str, Tokeniser] = {"ko": KoreanTokeniser(), "en": WordTokeniser()}
CUSTOMER = Setting(role=Role.CUSTOMER)
LEAST = {"ko": 400, "en": 300}


def table(language: str) -> SentimentTable:
    return SHIPPED.get(f"sentiment.{language}.yaml", SentimentTable)


def entries() -> Iterator[object]:
    for language in TOKENISERS:
        for entry in table(language).entries:
            yield pytest.param(language, entry, id=entry.id)


@pytest.mark.parametrize(("language", "entry"), list(entries()))
def test_an_entry_matches_its_example_and_gives_it_its_sign(language: str, entry: Entry) -> None:
    polarity = polarity_for(SHIPPED, language)
    tokens = TOKENISERS[language].tokenise(entry.example)
    assert entry.id in {hit.entry.id for hit in polarity.lexicon.hits(tokens)}
    label = label_of(squashed(polarity.wording.read(tokens, CUSTOMER).total), SENTENCE_THRESHOLD)
    if abs(entry.weight) < SENTENCE_THRESHOLD:
        assert label == "neutral"
    else:
        assert label == ("positive" if entry.weight > 0 else "negative")


@pytest.mark.parametrize("language", TOKENISERS)
def test_there_are_enough_entries_and_no_id_pattern_or_example_twice(language: str) -> None:
    found = table(language).entries
    patterns = Counter(compile_pattern(row) for entry in found for row in entry.pattern.split("||"))
    assert len(found) >= LEAST[language]
    assert len({entry.id for entry in found}) == len(found)
    assert [pattern for pattern, times in patterns.items() if times > 1] == []
    assert [text for text, times in Counter(entry.example for entry in found).items() if times > 1] == []


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("몇 번을 말씀드려야 됩니까", "negative"),
        ("이게 말이 돼요", "negative"),
        ("누가 그걸 신청했다고 그래요", "negative"),
        ("저만 손해 보는 거 아니에요", "negative"),
        ("나쁘다는 건 아니고요", "neutral"),
        ("고장 나면 어떻게 하나요", "neutral"),
        ("마음에 안 들면 반품되나요", "neutral"),
        ("다른 사람한테 잘못 보냈는데 어떻게 하면 되나요", "neutral"),
        ("조회가 안 되는데 확인 부탁드려요", "neutral"),
        ("확인 좀 해 주세요", "neutral"),
        ("좋은 점이 하나도 없어요", "negative"),
        ("그 카드 있잖아요", "neutral"),
    ],
)
def test_korean_forms_that_mean_more_or_less_than_their_words(text: str, label: str) -> None:
    tokens = TOKENISERS["ko"].tokenise(text)
    assert polarity_for(SHIPPED, "ko").score(tokens, CUSTOMER).label == label


@pytest.mark.parametrize("text", ["괜찮아요", "됐어요", "아니 됐어요"])
def test_an_answer_to_an_offer_is_no_mood(text: str) -> None:
    tokens = TOKENISERS["ko"].tokenise(text)
    answer = Setting(role=Role.CUSTOMER, answers=frozenset({"offer"}))
    assert polarity_for(SHIPPED, "ko").score(tokens, answer).label == "neutral"


def test_a_curt_refusal_out_of_nothing_is_negative() -> None:
    assert (
        polarity_for(SHIPPED, "ko").score(TOKENISERS["ko"].tokenise("됐어요"), CUSTOMER).label == "negative"
    )


@pytest.mark.parametrize(
    "text", ["통화가 끝났어요", "화면이 켜졌어요", "열여덟 시 발송이에요", "사기 그릇이에요"]
)
def test_a_word_is_found_as_a_word_and_never_within_another(text: str) -> None:
    wording = polarity_for(SHIPPED, "ko").wording
    assert wording.read(TOKENISERS["ko"].tokenise(text), CUSTOMER).shares == ()


@pytest.mark.parametrize(
    ("language", "text", "over"),
    [
        ("en", "it was faulty", "it was faulty until you fixed it"),
        ("ko", "답답했어요", "답답했는데 포기하던 차에 전화했더니 풀렸네요"),
    ],
)
def test_a_turn_ends_the_trouble_that_was_named_before_it(language: str, text: str, over: str) -> None:
    wording, tokenise = polarity_for(SHIPPED, language).wording, TOKENISERS[language].tokenise
    assert wording.read(tokenise(text), CUSTOMER).total < 0 < wording.read(tokenise(over), CUSTOMER).total
