"""Sentences: no character lost, times from the words, spoken endings recognised."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumers.analysis.endings import UNFINISHED_PAUSE_MS, kind_of, kind_of_mark
from consumers.analysis.intervals import Interval
from consumers.analysis.sentences import SENTENCE_PAUSE_MS, SpokenSentence, split
from consumers.analysis.speech import Piece, SpokenTurn
from consumers.analysis.tokens import KoreanTokeniser, Tokeniser, WordTokeniser
from consumers.analysis.turns import turns_of
from ops.bench import kinds_quality
from schemas.records import Word

KOREAN, WORDS = KoreanTokeniser(), WordTokeniser()
KINDS_GOAL = 0.9
"""Of the frozen sentences without a mark."""


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


def kinds(*texts: str) -> set[str | None]:
    return {kind_of(text, KOREAN.tokenise(text)) for text in texts}


def test_plain_and_southern_endings_ask() -> None:
    assert kinds("이게 말이 되냐", "이걸 우짜노", "아까 왔다 갔는교", "이게 되냐고요") == {"question"}


def test_what_is_insisted_on_or_given_as_a_reason_does_not_ask() -> None:
    """Their endings close like -ㅂ니까 and -까요."""
    assert kinds("아니라니까", "안 된다니까요", "제가 좀 급하니까요") == {"statement"}


@pytest.mark.parametrize(
    "text",
    [
        *("누구나 신청할 수 있어요", "어디에도 없어요", "언제든지 오세요", "무엇이든 물어보세요"),
        *("어떤 건 돼요", "어떻게든 해 주세요", "누구한테라도 물어봐요", "뭐 좀 사러 왔어요"),
        *("며칠 전에 샀어요", "몇 번 전화했어요", "얼마 안 됐어요", "어쩔 수 없죠", "그 뭐더라 그 카드요"),
    ],
)
def test_an_indefinite_question_word_does_not_ask(text: str) -> None:
    assert kinds(text) == {"statement"}


@pytest.mark.parametrize(
    "text",
    [
        "어떤 걸 쓰고 있어요",
        "누구한테 물어봐요",
        "며칠이나 걸려요",
        "몇 번 전화하셨어요",
        "얼마예요",
        "어쩌죠",
        "니가 뭔데",
        "어디로 가면 돼요",
        "언제 가도 돼요",
        "왜 안 된다 그래요",
    ],
)
def test_a_question_word_of_the_main_clause_asks(text: str) -> None:
    assert kinds(text) == {"question"}


@pytest.mark.parametrize(
    "text",
    [
        "어디 있는지 알아요",
        "뭐가 붙어 있는데 이름은 없어요",
        "언제 되나 해서요",
        "어디서 샀냐고 물어봐요",
        "무슨 일이 있어도 가야 돼요",
        "누가 들어온 것 같아요",
    ],
)
def test_a_question_word_of_a_clause_that_is_over_does_not_ask(text: str) -> None:
    assert kinds(text) == {"statement"}


def test_perhaps_asks_unless_its_clause_is_over() -> None:
    assert kinds("혹시 지금 취소돼요") == {"question"}
    assert kinds("지금 취소돼요", "혹시 몰라서 전화했어요", "혹시 취소되나 해서요") == {"statement"}


def test_what_the_hearer_did_is_asked_and_what_another_did_is_told() -> None:
    assert kinds("신청하셨어요", "본인이 신청하셨어요", "고객님이 신청하셨어요", "다 받으셨죠") == {
        "question"
    }
    assert kinds("기사님이 늦게 오셨어요", "어머니가 신청하셨어요", "아무도 안 오셨어요") == {"statement"}
    assert kinds("된다고 하셨어요", "짐을 찾아 주셨어요", "고생 많으셨어요") == {"statement"}
    assert kinds("기사님이 언제 오셨어요", "혹시 기사님이 오셨어요") == {"question"}


def test_sympathy_is_no_question_and_an_offer_is_one() -> None:
    assert kinds("속상하시겠어요", "놀라셨겠어요", "화나시겠어요", "많이 바쁘시겠어요") == {"statement"}
    assert kinds("말씀해 주시겠어요", "주문하시겠어요", "내일도 괜찮으시겠어요") == {"question"}


def test_requests_and_greetings_are_no_questions_and_states_are_asked_for() -> None:
    assert kinds("언제까지 보내 주세요", "안녕히 계세요", "끊지 말고 계세요", "그렇게 아세요") == {
        "statement"
    }
    assert kinds("바꿔 주실 수 있어요") == {"question"} != kinds("해지하실 수 있어요")
    assert kinds("지금 쓰고 계세요", "지금 댁에 계세요", "본인이세요", "어디 있는지 아세요") == {"question"}


def test_own_intention_is_told_and_the_hearers_is_asked() -> None:
    assert kinds("저 그냥 해지할래요") == {"statement"}
    assert kinds("같이 보실래요", "좀 해 줄래요", "뭐 할래요") == {"question"}


def test_what_ought_to_be_or_goes_without_saying_is_not_checked() -> None:
    assert kinds("그건 당연하죠", "알아보셔야죠") == {"statement"}
    assert kinds("그렇게 하죠", "되는 거죠") == {"question"}


def test_words_behind_the_ending_leave_its_kind() -> None:
    assert kinds("뭐가 문제예요 도대체") == {"question"}
    assert kinds("아직 안 왔어요 아직", "안 온다") == {"statement"}
    assert kinds("그게 왜 그러냐면", "언제 오냐고 물어봤더니", "전화를 했는데 제가") <= {"unfinished", None}


def test_unmarked_kinds_reach_their_goal_on_the_frozen_part_and_beat_the_last_syllables() -> None:
    given = kinds_quality.sentences("frozen")
    right, plain = (
        len(given) - len(kinds_quality.missed("frozen", tell))
        for tell in (kinds_quality.own_kind, kinds_quality.plain_kind)
    )
    assert right >= KINDS_GOAL * len(given) > plain


def test_no_sentence_of_labelled_kind_stands_in_both_parts() -> None:
    dev, frozen = ({s.text for s in kinds_quality.sentences(part)} for part in kinds_quality.PARTS)
    assert not dev & frozen
    assert all(kind_of_mark(text) is None for text in dev | frozen)


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


@pytest.mark.parametrize(
    "sentences",
    [
        ["Is this St. Mary's clinic?", "I need an appointment."],
        ["It applies from Oct. 3."],
        ['She said "no refunds!" and hung up.', "Is that your policy?"],
        ["I live in Washington, D.C. and moved from the U.S. in May."],
        ["AT&T charged me $4.50 at 3 p.m. on Monday.", "Why?"],
        ["Yes, [NAME].", "My number is [PHONE].", "Call me."],
        ["so um i called about my bill it went up and i don't know why can you look"],
    ],
)
def test_a_mark_behind_an_english_abbreviation_ends_nothing(sentences: list[str]) -> None:
    assert texts(" ".join(sentences), korean=False) == sentences


@pytest.mark.parametrize("lost", ["\x1c7. 9", "& vs. ♨ ✂ Yes. No.", "∯ Hello. ȸ Bye."])
def test_what_the_library_cannot_read_is_in_the_sentences_all_the_same(lost: str) -> None:
    """It has marks of its own in the text, and takes some control characters for digits."""
    whole = Interval(0, 900)
    piece = Piece(text=lost, span=whole, channel=0, word=None, speaker="A")
    found = cut(SpokenTurn(id="t1", speaker="A", text=lost, span=whole, pieces=(piece,)), korean=False)
    assert "".join(sentence.text for sentence in found) == lost


@pytest.mark.parametrize(
    "sentences",
    [
        ["[NAME] 고객님 맞으십니까"],
        ["안녕하세요", "[NAME] 고객님 맞으십니까"],
        ["여보세요", "안녕하세요", "[NAME] 고객님 되시죠"],
        ["네 안녕하세요", "배송기사인데요", "[NAME] 님 댁 맞죠"],
        ["[NAME] 님이세요"],
        ["네 맞습니다", "[PHONE] 맞으시죠"],
        ["계좌번호 확인해 드릴게요", "[ACCOUNT] 맞으세요"],
        ["네 알겠습니다", "[ADDRESS]로 보내 드릴게요"],
        ["[NAME]이고요", "[BIRTH_DATE]이요"],
        ["성함이 [NAME] 맞으시고요", "번호는 [PHONE:5678] 맞으실까요"],
    ],
)
def test_a_placeholder_is_read_as_the_noun_that_it_stands_for(sentences: list[str]) -> None:
    """Its bracket closed a sentence once: [NAME] 고객님 | 맞으십니까."""
    assert texts(" ".join(sentences)) == sentences


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


KOREAN_WORDS = "네 고객님 안녕하세요 했는데요 그래서요 요 돼요. 감사합니다! 50,000원 😀".split()  # noqa: SIM905 -- reads as what it is
TRICKY = [*KOREAN_WORDS, "Mr.", "a.m.", "[NAME]", "[CARD:4242]", "&", "∯", "2)", "\x1c7."]

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
