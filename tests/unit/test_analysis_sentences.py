"""Sentences: no character lost, times from the words, spoken endings recognised."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumers.analysis.endings import UNFINISHED_PAUSE_MS
from consumers.analysis.intervals import Interval
from consumers.analysis.sentences import SENTENCE_PAUSE_MS, SpokenSentence, split
from consumers.analysis.speech import Piece, SpokenTurn
from consumers.analysis.tokens import KoreanTokeniser, Tokeniser, WordTokeniser
from consumers.analysis.turns import turns_of
from schemas.records import Word

KOREAN, WORDS = KoreanTokeniser(), WordTokeniser()


def turn(*timed: tuple[str, int, int]) -> SpokenTurn:
    pieces = [
        Piece(text=w, span=Interval(a, b), channel=0, word=Word(word=w, start_ms=a, end_ms=b), speaker="A")
        for w, a, b in timed
    ]
    return turns_of(pieces)[0]


def even(text: str) -> SpokenTurn:
    return turn(*((word, n * 300, n * 300 + 300) for n, word in enumerate(text.split())))


def cut(spoken: SpokenTurn, *, korean: bool) -> tuple[SpokenSentence, ...]:
    tokeniser: Tokeniser = KOREAN if korean else WORDS
    return split(spoken, tokeniser.tokenise(spoken.text), korean=korean)


def texts(text: str, *, korean: bool = True) -> list[str]:
    return [sentence.text.strip() for sentence in cut(even(text), korean=korean)]


def test_unpunctuated_korean_is_cut_at_its_endings() -> None:
    text = "네 고객님 많이 속상하셨겠어요 확인해 드리겠습니다 잠시만 기다려 주세요"
    assert texts(text) == ["네 고객님 많이 속상하셨겠어요", "확인해 드리겠습니다", "잠시만 기다려 주세요"]


def test_glued_yo_ends_a_sentence() -> None:
    assert texts("제가 적어서요 잠깐만요 네 알겠습니다") == ["제가 적어서요", "잠깐만요", "네 알겠습니다"]


def test_a_trailing_vocative_belongs_to_the_sentence_before_it() -> None:
    assert texts("많이 속상하셨겠어요 고객님") == ["많이 속상하셨겠어요 고객님"]


def test_reported_speech_is_not_cut() -> None:
    assert texts("내일 온다 그랬어요") == ["내일 온다 그랬어요"]


def test_a_final_ending_tagged_as_a_connective_ends_a_sentence() -> None:
    assert texts("하 진짜 답답하네 말귀를 왜 이렇게 못 알아들어요") == [
        "하 진짜 답답하네",
        "말귀를 왜 이렇게 못 알아들어요",
    ]


def test_an_addressee_after_a_formula_belongs_to_it() -> None:
    assert texts("반갑습니다 고객님 푸른은행 상담원입니다") == ["반갑습니다 고객님", "푸른은행 상담원입니다"]


def test_an_addressee_with_a_particle_begins_the_next_sentence() -> None:
    found = texts("정말 죄송합니다 고객님 기사님께 바로 연락하겠습니다")
    assert found == ["정말 죄송합니다 고객님", "기사님께 바로 연락하겠습니다"]


def test_a_connective_before_a_long_pause_is_an_unfinished_sentence() -> None:
    """The pause decides: the same words without it are one sentence."""
    words = ("분명히", "맞게", "입력했는데", "다시", "해", "볼게요")
    pauses = {3: UNFINISHED_PAUSE_MS}
    clock, timed = 0, []
    for number, word in enumerate(words):
        clock += pauses.get(number, 0)
        timed.append((word, clock, clock + 300))
        clock += 300
    assert [(s.text.strip(), s.kind) for s in cut(turn(*timed), korean=True)] == [
        ("분명히 맞게 입력했는데", "unfinished"),
        ("다시 해 볼게요", "statement"),
    ]
    assert len(texts(" ".join(words))) == 1


def test_marks_of_the_recogniser_are_trusted() -> None:
    """A comma after a final ending, a hesitation's dots, a decimal and a date end nothing."""
    assert texts("네... 확인해 보겠습니다, 잠시만요. 이율은 2.5%이고 3. 15. 마감입니다.") == [
        "네... 확인해 보겠습니다, 잠시만요.",
        "이율은 2.5%이고 3. 15. 마감입니다.",
    ]


def test_a_long_stretch_without_a_mark_is_cut_by_its_endings() -> None:
    """Recognisers sometimes forget every mark of a segment."""
    unmarked = "어제 기사님이 오셨어요 근데 부품이 없다고 그냥 가셨어요 그래서 오늘 다시 전화드렸어요 " * 2
    assert len(texts("여보세요. " + unmarked + "네.")) > 5


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("무엇을 도와드릴까요", "question"),
        ("이거 어떻게 해요", "question"),
        ("잠시만 기다려 주시겠어요", "question"),
        ("본인 명의 휴대폰 맞으시죠", "question"),
        ("몇 시까지 하죠", "question"),
        ("됐어요?", "question"),
        ("분명히 보냈어요", "statement"),
        ("확인해 드리겠습니다 고객님", "statement"),
        ("아 그렇구나", "statement"),
        ("카드는 제가 찍었죠", "statement"),
        ("제가 어제 보냈는데", "unfinished"),
        ("그 뭐더라...", "unfinished"),
        ("네", None),
    ],
)
def test_the_kind_says_what_a_missing_mark_would(text: str, kind: str | None) -> None:
    assert [sentence.kind for sentence in cut(even(text), korean=True)] == [kind]


def test_the_kind_of_an_unmarked_english_sentence_is_unknown() -> None:
    assert [s.kind for s in cut(even("can you help me"), korean=False)] == [None]
    assert [s.kind for s in cut(even("can you help me?"), korean=False)] == ["question"]


def test_regression_k3_sentences_without_word_times_take_the_turns_times() -> None:
    """Nothing is interpolated: the turn's times are the tightest that is known."""
    text = "네 알겠습니다 다시 전화드릴게요"
    whole = Interval(100, 4000)
    piece = Piece(text=text, span=whole, channel=0, word=None, speaker="A")
    found = cut(SpokenTurn(id="t1", speaker="A", text=text, span=whole, pieces=(piece,)), korean=True)
    assert [s.span for s in found] == [whole, whole]


def test_english_is_cut_at_its_punctuation_and_not_at_abbreviations() -> None:
    found = texts("Hello, Mr. Kim. How may I help you? It is 3.5 dollars.", korean=False)
    assert found == ["Hello, Mr. Kim.", "How may I help you?", "It is 3.5 dollars."]


def test_a_pause_of_800_ms_between_words_ends_a_sentence() -> None:
    short = turn(("one", 0, 500), ("two", 499 + SENTENCE_PAUSE_MS, 1600))
    long = turn(("one", 0, 500), ("two", 500 + SENTENCE_PAUSE_MS, 1600))
    assert len(cut(short, korean=False)) == 1
    assert [(s.text, s.span) for s in cut(long, korean=False)] == [
        ("one ", Interval(0, 500)),
        ("two", Interval(1300, 1600)),
    ]


def test_regression_k1_a_long_sentence_keeps_every_word() -> None:
    text = (
        "제가 지난달에 요금제를 변경했는데 이번 달 청구서 보니까 위약금이 청구되어서 이거 환불 부탁드리고 "
        "싶어서 전화했습니다"
    )
    assert "".join(sentence.text for sentence in cut(even(text), korean=True)) == text


def test_text_that_its_words_do_not_spell_keeps_the_turns_times() -> None:
    odd = SpokenTurn(id="t1", speaker="A", text="네, 맞아요.", span=Interval(5, 9), pieces=even("예").pieces)
    assert [s.span for s in cut(odd, korean=True)] == [Interval(5, 9)]


TRICKY = "네 고객님 안녕하세요 했는데요 그래서요 요 돼요. 감사합니다! Mr. 50,000원 a.m. 😀".split()  # noqa: SIM905 -- reads as what it is

spoken_words = st.lists(
    st.tuples(
        st.one_of(
            st.sampled_from(TRICKY),
            st.text(min_size=1, max_size=6).filter(lambda t: bool(t.strip()) and t == t.strip()),
        ),
        st.integers(0, 900),
        st.integers(0, 600),
    ),
    min_size=1,
    max_size=25,
)


@given(spoken_words, st.booleans())
@settings(max_examples=150, deadline=None)
def test_the_sentences_are_the_turn_and_lie_inside_it(rows: list[tuple[str, int, int]], korean: bool) -> None:
    clock, timed = 0, []
    for word, gap, length in rows:
        timed.append((word, clock + gap, clock + gap + length))
        clock += gap + length
    spoken = turn(*timed)
    sentences = cut(spoken, korean=korean)
    assert "".join(sentence.text for sentence in sentences) == spoken.text
    starts = [sentence.span.start_ms for sentence in sentences]
    assert starts == sorted(starts)
    for sentence in sentences:
        assert spoken.span.start_ms <= sentence.span.start_ms <= sentence.span.end_ms <= spoken.span.end_ms
