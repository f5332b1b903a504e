"""Sentiment: what customers of a call centre say, and what must not be mistaken for mood."""

import pytest

from consumers.analysis import data
from consumers.analysis.engine import AnalysisEngine
from consumers.analysis.lexicon import SentimentTable
from consumers.analysis.polarity import squashed
from consumers.analysis.transcript import analyse_turns
from infra.errors import Fatal
from schemas.document import CallDocument
from schemas.records import Role
from schemas.sentiment import PartySentiment, Sentiment

ENGINE = AnalysisEngine()
TABLES = {language: data.load(f"sentiment.{language}.yaml", SentimentTable) for language in ("ko", "en")}


def sentence(text: str, *, role: Role = Role.CUSTOMER, language: str = "ko") -> Sentiment:
    turn = {"speaker": "S", "start_ms": 0, "end_ms": 2000, "text": text}
    payload = {"call_id": "c", "language": language, "roles": {"S": role}, "turns": [turn]}
    found = [s.sentiment for s in analyse_turns(ENGINE, payload).turns[0].sentences]
    assert len(found) == 1, "the examples are single sentences"
    assert found[0] is not None
    return found[0]


def call(rows: list[tuple[str, str]], language: str = "ko") -> CallDocument:
    turns = [
        {"speaker": speaker, "start_ms": n * 4000, "end_ms": n * 4000 + 3500, "text": text}
        for n, (speaker, text) in enumerate(rows)
    ]
    return analyse_turns(ENGINE, {"call_id": "c", "language": language, "turns": turns})


def customer(document: CallDocument) -> PartySentiment:
    assert document.sentiment is not None
    assert document.sentiment.customer is not None
    return document.sentiment.customer


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("너무 화가 나네요.", "negative"),
        ("도대체 몇 번을 전화해야 하나요?", "negative"),
        ("상담원 연결이 왜 이렇게 오래 걸려요?", "negative"),
        ("책임자 바꿔 주세요.", "negative"),
        ("어제 주문한 세탁기가 아직 안 왔어요.", "negative"),
        ("말은 친절한데 해결은 안 되네요.", "negative"),
        ("마음에 안 들어요.", "negative"),
        ("전혀 만족하지 못했어요.", "negative"),
        ("불친절하시네요.", "negative"),
        ("너무하시네요.", "negative"),
        ("믿을 수가 없어요.", "negative"),
        ("너무 좋아요.", "positive"),
        ("친절하게 안내해 주셔서 정말 감사합니다.", "positive"),
        ("덕분에 잘 해결됐어요.", "positive"),
        ("마음에 들어요.", "positive"),
        ("네 알겠습니다.", "neutral"),
        ("괜찮아요.", "neutral"),
        ("환불은 언제 되나요?", "neutral"),
        ("고장이 나서 수리 신청하려고요.", "neutral"),
        ("요금제를 해지하려고 합니다.", "neutral"),
        ("통화가 끝나면 문자로 보내 주세요.", "neutral"),
    ],
)
def test_korean_customer_sentences(text: str, label: str) -> None:
    assert sentence(text).label == label


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("I am very upset about this.", "negative"),
        ("My order has not arrived.", "negative"),
        ("I was charged twice.", "negative"),
        ("How many times do I have to call?", "negative"),
        ("This is not acceptable.", "negative"),
        ("You were not very helpful.", "negative"),
        ("You were very helpful.", "positive"),
        ("That is great news.", "positive"),
        ("It is not bad.", "positive"),
        ("When will I get my refund?", "neutral"),
        ("Thank you for checking.", "neutral"),
    ],
)
def test_english_customer_sentences(text: str, label: str) -> None:
    assert sentence(text, language="en").label == label


@pytest.mark.parametrize(
    ("text", "language", "label"),
    [
        ("세 번째 전화하는 건데요", "ko", "negative"),
        ("아직도 안 왔어요", "ko", "negative"),
        ("돈은 빠져나갔는데 물건이 없어요", "ko", "negative"),
        ("연락 준다더니 소식이 없네요", "ko", "negative"),
        ("바로 되네요", "ko", "positive"),
        ("생각보다 금방 됐어요", "ko", "positive"),
        ("I've been on hold for forty minutes", "en", "negative"),
        ("nobody called me back", "en", "negative"),
        ("it still doesn't work", "en", "negative"),
        ("that was quick", "en", "positive"),
    ],
)
def test_complaints_and_content_without_a_word_of_feeling(text: str, language: str, label: str) -> None:
    assert sentence(text, language=language).label == label


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("안 되시면 말씀해 주세요.", "ko"),
        ("오류가 나면 껐다가 켜 보세요.", "ko"),
        ("결제가 두 번 되셨다는 말씀이시죠?", "ko"),
        ("배송이 지연되고 있습니다.", "ko"),
        ("If it still doesn't work please turn it off and on again.", "en"),
        ("It looks like the payment was declined.", "en"),
    ],
)
def test_an_agent_who_names_trouble_in_order_to_end_it_is_neutral(text: str, language: str) -> None:
    assert sentence(text, role=Role.AGENT, language=language).label == "neutral"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("불편을 드려 정말 죄송합니다.", "ko"),
        ("많이 속상하셨겠어요 고객님.", "ko"),
        ("저라도 정말 화가 났을 것 같습니다.", "ko"),
        ("결제 오류로 불편을 드려 사과드립니다.", "ko"),
        ("I am so sorry for the inconvenience.", "en"),
        ("I understand how frustrating that must be.", "en"),
    ],
)
def test_the_agents_apology_and_empathy_carry_no_mood(text: str, language: str) -> None:
    found = sentence(text, role=Role.AGENT, language=language)
    assert (found.label, found.score, found.evidence) == ("neutral", 0.0, ())


def test_negation_turns_and_weakens() -> None:
    assert sentence("불편하지 않아요.").score > 0 > sentence("불편해요.").score
    assert sentence("불편한 건 없어요.").score > 0


def test_intensity_scales() -> None:
    assert (
        sentence("정말 답답하네요.").score < sentence("답답하네요.").score < sentence("좀 답답하네요.").score
    )


def test_conditions_and_wishes_count_little() -> None:
    assert abs(sentence("짜증 나면 말씀드릴게요.").score) < abs(sentence("짜증 나요.").score) / 3


def test_routine_thanks_make_no_customer_happy_and_meant_ones_do() -> None:
    assert sentence("감사합니다.").label == "neutral"
    assert sentence("덕분에 해결돼서 감사합니다.").label == "positive"


def test_regression_k4_inflected_forms_match() -> None:
    forms = ["좋아요", "좋았습니다", "좋네요", "좋더라고요"]
    assert {sentence(form).label for form in forms} == {"positive"}


def test_evidence_names_the_entries_behind_the_score() -> None:
    evidence = sentence("자꾸 끊겨서 정말 불편해요.").evidence
    entries = [found.entry for found in evidence if not found.entry.startswith("tone ")]
    assert [entry.rstrip("0123456789") for entry in entries] == ["ko-p", "ko-p"]
    assert len(set(entries)) == 2


@pytest.mark.parametrize(
    "text", ["자꾸 끊겨서 정말 불편해요.", "여태 소식도 없으시더라고요.", "정말 좋아요."]
)
def test_evidence_adds_up_to_the_score(text: str) -> None:
    found = sentence(text)
    assert squashed(sum(evidence.weight for evidence in found.evidence)) == pytest.approx(
        found.score, abs=0.005
    )


ANGRY = [
    ("A", "안녕하세요 한빛 통신 고객센터 상담원 김민수입니다. 무엇을 도와드릴까요?"),
    ("C", "어제 주문한 세탁기가 아직 안 왔어요. 정말 화가 나네요."),
    ("A", "배송이 늦어져서 정말 죄송합니다 고객님."),
    ("C", "도대체 몇 번을 전화해야 하나요? 책임자 바꿔 주세요."),
    ("A", "고객님 많이 속상하셨겠어요. 확인해 드리겠습니다."),
    ("C", "네 알겠습니다. 이렇게 처리하시면 소비자원에 신고할게요."),
]
HAPPY = [
    ("A", "안녕하세요 한빛 통신 고객센터 상담원 김민수입니다. 무엇을 도와드릴까요?"),
    ("C", "요금제를 변경하고 싶어요."),
    ("A", "네 고객님 변경해 드렸습니다."),
    ("C", "덕분에 빨리 해결됐네요. 친절하게 안내해 주셔서 정말 감사합니다."),
]


def test_an_angry_call_is_negative_for_the_customer_and_not_for_the_agent() -> None:
    document = call(ANGRY)
    assert document.sentiment is not None
    assert document.sentiment.agent is not None
    assert (customer(document).label, document.sentiment.agent.label) == ("negative", "neutral")


def test_a_happy_call_is_positive_and_rises() -> None:
    found = customer(call(HAPPY))
    assert found.label == "positive"
    assert found.trend is not None
    assert found.trend > 0


def test_a_quarter_without_a_sentence_is_null_not_neutral() -> None:
    quarters = customer(call(HAPPY)).quarters
    assert [(q.start_ms, q.end_ms) for q in quarters] == [
        (0, 3875),
        (3875, 7750),
        (7750, 11625),
        (11625, 15500),
    ]
    assert [q.score is None for q in quarters] == [True, False, True, False]


def test_backchannels_do_not_dilute_the_mean() -> None:
    with_answers = [row for angry in ANGRY for row in (angry, ("C", "네."))]
    assert customer(call(with_answers)).score == customer(call(ANGRY)).score


def test_regression_c8_a_language_without_lexicon_is_skipped_not_padded_with_neutral() -> None:
    document = call([("A", "もしもし"), ("C", "はい")], language="ja")
    assert document.sentiment is None
    assert all(s.sentiment is None for turn in document.turns for s in turn.sentences)
    assert ("sentiment", "unsupported_language") in {(s.feature, s.reason) for s in document.skipped}


@pytest.mark.parametrize("language", ["ko", "en"])
def test_lexicon_ids_are_unique_and_every_pattern_can_be_compiled(language: str) -> None:
    table = data.load(f"sentiment.{language}.yaml", SentimentTable)
    assert len({entry.id for entry in table.entries}) == len(table.entries) >= 75


def test_a_wrong_table_is_fatal_and_names_its_place() -> None:
    with pytest.raises(Fatal, match=r"(?s)mine\.yaml.*entries"):
        data.parse(
            "{version: '1', language: ko, entries: [{id: x, weight: 7}]}", SentimentTable, source="mine.yaml"
        )


def test_quarters_and_the_call_have_amazons_scale_beside_ours() -> None:
    found = customer(call(ANGRY))
    assert found.aws_score == pytest.approx(found.score * 5, abs=0.01)
    known = [q for q in found.quarters if q.score is not None]
    assert known
    assert [q.aws_score for q in known] == [pytest.approx((q.score or 0) * 5, abs=0.01) for q in known]
    assert [q.aws_score for q in customer(call(HAPPY)).quarters if q.score is None] == [None, None]


def test_peak_end_is_the_mean_of_the_worst_sentence_and_of_the_last_three() -> None:
    said = ["정말 화가 나네요.", "아직 안 왔어요.", "주문 번호는 삼 번이에요.", "책임자 바꿔 주세요."]
    document = call([("A", "무엇을 도와드릴까요?"), *(("C", text) for text in said)])
    scores = [
        (s.id, s.sentiment.score)
        for turn in document.turns
        for s in turn.sentences
        if turn.role is Role.CUSTOMER and s.sentiment is not None
    ]
    found = customer(document).peak_end
    assert found is not None
    worst = min(scores, key=lambda item: item[1])
    end = sum(score for _, score in scores[-3:]) / 3
    assert (found.peak.sentence_id, found.peak.score) == worst
    assert found.score == pytest.approx((worst[1] + end) / 2, abs=0.001)


def test_two_sentences_have_no_peak_and_end() -> None:
    assert customer(call([("A", "무엇을 도와드릴까요?"), ("C", "너무 화가 나네요.")])).peak_end is None


def test_a_turn_is_scored_like_one_sentence_of_all_its_evidence() -> None:
    turn = call([("A", "무엇을 도와드릴까요?"), ("C", "너무 화가 나네요. 정말 답답하네요.")]).turns[1]
    assert turn.sentiment is not None
    parts = [s.sentiment.score for s in turn.sentences if s.sentiment is not None]
    assert len(parts) == 2
    assert turn.sentiment.label == "negative"
    assert turn.sentiment.score < min(parts)
