"""Levels of Korean speech, of whom or what -시- is said, and the labelled sentences for both."""

from pathlib import Path

import pytest

from consumers.analysis import data
from consumers.analysis.endings import kind_of
from consumers.analysis.quality.honorifics import Honoured, Honours, level
from consumers.analysis.quality.speech_style import SpeechStyleTable, style_of
from consumers.analysis.tables import SHIPPED, Tables
from consumers.analysis.tokens import KoreanTokeniser
from infra.errors import Fatal
from ops.bench import honorifics_quality

KOREAN = KoreanTokeniser()


def of(text: str) -> str:
    return level(KOREAN.tokenise(text))


def honoured(text: str) -> Honoured:
    honours = style_of(SHIPPED, "ko").honours
    assert isinstance(honours, Honours)
    tokens = KOREAN.tokenise(text)
    return honours.find(tokens, asks=kind_of(text, tokens) == "question")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("감사합니다", "deferential"),
        ("확인됩니다", "deferential"),
        ("가능합니다", "deferential"),
        ("확인해 드릴게요", "polite"),
        ("도와드릴까요?", "polite"),
        ("되시나요?", "polite"),
        ("주시겠어요?", "polite"),
        ("괜찮아요", "polite"),
        ("말씀해 주세요", "polite"),
        ("안녕하세요", "polite"),
    ],
)
def test_k2_polite_sentences_are_polite_with_and_without_their_mark(text: str, expected: str) -> None:
    assert of(text) == of(text.rstrip("?")) == expected


@pytest.mark.parametrize(
    "text",
    [
        *(
            "어떻게 해요 이거",
            "그런 거예요 제 말은",
            "그래요 그럼",
            "못 참겠어요 진짜",
            "안 되더라고요 아무리 해도",
        ),
        *("그건 해 주셔야죠", "당연히 알아보셔야지요", "글쎄요", "그럼요"),
        *("돈이 없어서요", "저 아닌데요", "네 개요", "공일공이요", "네 [ACCOUNT]요", "SKT요"),
        *("그랬어예", "그랬어유"),
    ],
)
def test_the_last_ending_decides_whatever_is_said_after_it_or_glued_to(text: str) -> None:
    assert of(text) == "polite"


@pytest.mark.parametrize(
    "text", ["알았어", "언제 와", "내가 그랬냐", "너무하네 진짜", "그만해라", "안 온다", "환불해 줘 빨리"]
)
def test_endings_without_yo_or_nida_are_plain(text: str) -> None:
    assert of(text) == "plain"


@pytest.mark.parametrize(
    "text", ["어제 전화를 했는데", "카드를 잃어버려서", "확인해 보고", "그게 아니라", "집에 없는데", "그래서"]
)
def test_a_connective_at_the_end_is_unfinished_not_plain(text: str) -> None:
    assert of(text) == "unfinished"


@pytest.mark.parametrize(
    "text", ["네", "예 예", "아니요", "네, 고객님.", "삼월 십오일", "공삼 이일 네", "확인했음", ""]
)
def test_fragments_have_no_level(text: str) -> None:
    assert of(text) == "none"


@pytest.mark.parametrize(
    "text",
    [
        "그 사람이 알아서 해 라고 하셨어요",
        "직원이 그냥 끊어 이러더라고요",
        "그냥 오래요",
        "안 된다 그러셔서요",
    ],
)
def test_plain_speech_that_is_reported_is_not_the_speakers(text: str) -> None:
    assert of(text) == "polite"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "이용료는 오만 원이세요",
            "내일 입고 예정이세요",
            "쿠폰이 적용되시고요",
            "그 모델은 품절이세요",
            "음료 나오셨어요",
        ),
        *(
            "환불이 가능하십니다",
            "접수되셨습니다",
            "요금이 더 비싸세요",
            "가입하신 상품이 있으십니다",
            "앱에서 하시면 되세요",
        ),
        *("등록되어 있으십니다", "지금 배송 중이세요", "금액이 어떻게 되세요", "고객님은 이만 원이세요"),
    ],
)
def test_a_thing_is_not_honoured(text: str) -> None:
    assert honoured(text).thing


@pytest.mark.parametrize(
    "text",
    [
        *("고객님이세요", "성함이 어떻게 되세요?", "주소가 어떻게 되세요?", "어머님이 가입자이세요"),
        *(
            "기사님이 도착하셨어요",
            "담당자분이 방문 예정이세요",
            "어머니가 오실 예정이세요",
            "지금 운전 중이세요",
        ),
        *(
            "쿠폰 있으세요?",
            "쿠폰 있으시면 보여 주세요",
            "상품은 받으셨나요",
            "예약 없이 오셨어요",
            "좋은 하루 되세요",
        ),
        *("많이 속상하셨겠어요", "가입하신 상품입니다"),
    ],
)
def test_a_person_and_what_is_the_persons_may_be(text: str) -> None:
    assert honoured(text) == Honoured(person=True, thing=False)


def test_one_sentence_may_honour_a_person_and_a_thing() -> None:
    assert honoured("주문하신 커피 나오셨습니다") == Honoured(person=True, thing=True)
    assert honoured("확인해 드렸습니다") == Honoured()


def test_a_tenant_names_the_things_of_its_trade(tmp_path: Path) -> None:
    text = data.files(data.__name__).joinpath("speech_style.ko.yaml").read_text(encoding="utf-8")
    (tmp_path / "speech_style.ko.yaml").write_text(
        text.replace("things: [요금,", "things: [텐트, 요금,"), "utf-8"
    )
    tokens = KOREAN.tokenise("텐트가 더 크세요")
    shipped, own = style_of(SHIPPED, "ko").honours, style_of(Tables(tmp_path), "ko").honours
    assert shipped is not None
    assert own is not None
    assert (shipped.find(tokens, asks=False).thing, own.find(tokens, asks=False).thing) == (False, True)


def test_a_korean_table_without_honorifics_is_refused() -> None:
    text = data.files(data.__name__).joinpath("speech_style.en.yaml").read_text(encoding="utf-8")
    with pytest.raises(Fatal, match="honorifics"):
        data.parse(text.replace("language: en", "language: ko"), SpeechStyleTable, source="own.yaml")


def test_enough_sentences_are_labelled_and_none_in_two_parts() -> None:
    dev, frozen, unseen = (honorifics_quality.sentences(part) for part in honorifics_quality.PARTS)
    every = [*dev, *frozen, *unseen]
    korean = [[s for s in part if s.language == "ko"] for part in (dev, frozen)]
    assert len(korean[0]) >= 100
    assert len(korean[1]) >= 150
    assert sum(s.language == "en" for s in every) >= 60
    assert len({s.text for s in every}) == len(every)
    assert all((s.level is not None) == (s.language == "ko") for s in every)


def test_levels_and_honorifics_of_the_development_sentences_beat_the_last_characters() -> None:
    rates = {row[1]: row[3:] for row in honorifics_quality.table() if row[0] == "dev"}
    for name in ("level, ko", "plain speech, ko", "over_honorific, ko", "subject_honorific, ko"):
        precision, recall, plain_precision, plain_recall = map(float, map(str, rates[name]))
        assert min(precision, recall) >= 0.95
        assert precision > plain_precision
        assert recall > plain_recall
