"""Courtesy: what calls for a cushion, empathy, an apology, an alternative, and what counts as one."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from consumers.analysis.engine import AnalysisEngine
from consumers.analysis.tables import Tables
from consumers.analysis.transcript import analyse_turns
from ops.bench import courtesy_quality
from schemas.document import CallDocument, SkipReason
from schemas.personal_data import PersonalDataType
from schemas.quality import Courtesy

ENGINE = AnalysisEngine()
TURN_MS = 4000


def call(
    *said: tuple[str, str], language: str = "ko", roles: bool = True, engine: AnalysisEngine = ENGINE
) -> CallDocument:
    turns = [
        {"speaker": speaker, "start_ms": n * TURN_MS, "end_ms": n * TURN_MS + 3500, "text": text}
        for n, (speaker, text) in enumerate(said)
    ]
    speakers = {speaker for speaker, _ in said}
    known = {name: name for name in ("agent", "customer", "other") if roles and name in speakers}
    return analyse_turns(engine, {"call_id": "c", "language": language, "roles": known, "turns": turns})


def courtesy(*said: str, language: str = "ko", engine: AnalysisEngine = ENGINE) -> Courtesy:
    """Of a call in which the lines that begin with ``>`` are the customer's."""
    lines = [("customer", text[1:].strip()) if text.startswith(">") else ("agent", text) for text in said]
    quality = call(*lines, language=language, engine=engine).quality
    assert quality is not None
    assert quality.courtesy is not None
    return quality.courtesy


def due_and_met(courtesy: Courtesy, name: str) -> tuple[int, int]:
    coverage = getattr(courtesy, name)
    return coverage.due, coverage.met


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (("실례지만 성함이 어떻게 되세요", "> 네"), (1, 1)),
        (("번거로우시겠지만 양해 부탁드립니다. 생년월일 말씀해 주세요.", "> 네"), (1, 1)),
        (("성함이 어떻게 되세요", "> 네"), (1, 0)),
        (("성함 말씀해 주세요. 생년월일도 말씀해 주세요.", "> 네"), (1, 0)),
        (("파손된 부분 사진 찍어서 보내 주세요", "> 네"), (1, 0)),
        (("안타깝지만 그건 어렵습니다", "> 네"), (1, 1)),
        (("위약금이 팔만 원 발생합니다", "> 네"), (1, 0)),
        (("해지는 전화로는 안 되시고요 지점에 방문하셔야 합니다", "> 네"), (1, 0)),
        (("아쉽게도 토요일은 예약이 다 찼습니다", "> 네"), (1, 1)),
        (("취소되는 일정이 있으면 연락드리겠습니다", "> 네"), (0, 0)),
        (("요즘 많이 어려우시죠", "> 네"), (0, 0)),
        (("위약금 없이 해지하실 수 있어요", "> 네"), (0, 0)),
        (("무엇을 도와드릴까요", "> 네"), (0, 0)),
        (("욕설을 하시면 상담 진행이 어렵습니다", "> 네"), (0, 0)),
    ],
)
def test_requests_refusals_and_bad_news_call_for_a_cushion(
    said: tuple[str, ...], expected: tuple[int, int]
) -> None:
    assert due_and_met(courtesy(*said), "cushion") == expected


def test_who_has_a_number_confirmed_asks_for_nothing() -> None:
    found = courtesy("> 주문번호는 33018842예요", "33018842번 맞으신가요")
    assert due_and_met(found, "cushion") == (0, 0)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (("> 너무 화가 나고 짜증나요", "많이 속상하셨겠어요"), (1, 1)),
        (("> 너무 화가 나고 짜증나요", "네 확인해 보겠습니다. 잠시만요. 많이 속상하셨겠어요."), (1, 0)),
        (("> 어머니가 돌아가셔서 명의를 바꾸려고요", "성함이 어떻게 되세요"), (1, 0)),
        (("> 요금제를 바꾸고 싶은데요", "네 알겠습니다"), (0, 0)),
        (("> 버스에 노트북을 두고 내렸어요", "네 확인해 보겠습니다"), (0, 0)),
        (("> 한 달이 지나도록 입금이 안 됐어요. 전화도 안 받으시고요.", "네 확인해 보겠습니다"), (1, 0)),
        (("네 말씀하세요", "> 너무 화가 나고 짜증나요"), (0, 0)),
        (("> 너무 화가 나고 짜증나요", "기다려 주시겠어요"), (1, 0)),
        (("> 너무 화가 나고 짜증나요", "번거로우시겠지만 성함 말씀해 주세요"), (1, 0)),
    ],
)
def test_empathy_is_due_within_two_sentences_after_what_is_clearly_negative(
    said: tuple[str, ...], expected: tuple[int, int]
) -> None:
    assert due_and_met(courtesy(*said), "empathy") == expected


def test_one_complaint_is_one_occasion_even_where_the_agent_says_that_they_listen() -> None:
    found = courtesy(
        "> 인터넷이 계속 끊겨서 너무 짜증나요", "네", "> 기사님도 안 오고 정말 화가 나요", "네 그러셨군요"
    )
    assert due_and_met(found, "empathy") == (1, 1)
    assert due_and_met(found, "apology") == (1, 0)
    assert [missed.turn_id for missed in found.apology.missed] == ["t0001"]


def test_each_complaint_after_an_answer_is_an_occasion_of_its_own() -> None:
    found = courtesy(
        "> 자꾸 끊겨서 너무 짜증나요",
        "모뎀을 껐다 켜 보세요",
        "> 해 봤는데 정말 화가 나네요",
        "공유기를 확인해 보세요",
    )
    assert due_and_met(found, "empathy") == (2, 0)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (("> 택배가 아직도 안 왔어요", "불편을 드려 죄송합니다"), (1, 1)),
        (("> 택배가 아직도 안 왔어요", "죄송하지만 성함이 어떻게 되세요"), (1, 0)),
        (("> 택배가 아직도 안 왔어요", "성함이요. 주소도요. 연락처도요. 죄송합니다."), (1, 0)),
        (("> 지금 세 번째 전화하는 거예요", "정말 죄송합니다"), (1, 1)),
        (("> 상담원이 너무 무책임하네요", "네 확인하겠습니다"), (1, 0)),
        (("> 배송이 너무 늦어서 정말 화가 나요. 벌써 일주일째예요.", "불편을 드려 죄송합니다."), (1, 1)),
        (("> 수리비 삼십만 원이 청구됐더라고요 황당해서 전화했어요", "네 확인하겠습니다"), (1, 0)),
        (("> 우리 가게 이름이 자막에 잘못 나갔어요", "네 확인하겠습니다"), (1, 0)),
        (("> 제 이름이 영수증에 잘못 나왔어요", "네 확인하겠습니다"), (1, 0)),
        (("> 카드를 잃어버렸는데 재발급이 아직도 안 왔어요", "네 확인하겠습니다"), (1, 0)),
    ],
)
def test_an_apology_is_due_for_what_the_company_did_and_a_cushion_is_none(
    said: tuple[str, ...], expected: tuple[int, int]
) -> None:
    assert due_and_met(courtesy(*said), "apology") == expected


@pytest.mark.parametrize(
    "said",
    [
        ("> 주소를 잘못 적었어요", "네 변경해 드릴게요"),
        ("> 지갑을 잃어버렸어요", "많이 놀라셨겠어요"),
        ("> 제가 계좌번호를 잘못 눌러서 엉뚱한 사람한테 보냈어요", "네"),
        ("> 보이스피싱을 당해서 통장에서 돈이 다 빠져나갔어요", "네"),
        (
            "> 접촉 사고가 났어요",
            "다치신 곳은 없으세요",
            "> 저는 괜찮은데 앞 범퍼가 다 나가고 문도 안 열려요",
            "네",
        ),
        ("> 아 월급이 늦어져서요 요즘 너무 힘들어서 죽겠어요", "네"),
        ("> 너무 무서워요", "네"),
        ("> 진짜 어이가 없네요", "네"),
        ("> 그럼 공항에서 반납하면 안 돼요", "네"),
        ("> 앱을 잘 못 써요", "네"),
        ("> 세 번이나 전화했는데 그때마다 친절하게 받아 주셔서 정말 감사했어요", "네"),
    ],
)
def test_no_apology_is_due_for_their_own_trouble_for_mere_feelings_or_requests(said: tuple[str, ...]) -> None:
    assert due_and_met(courtesy(*said), "apology") == (0, 0)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (("그건 어렵습니다. 대신 다른 요금제로 바꾸실 수 있습니다.", "> 네"), (1, 1)),
        (("그건 처리가 불가합니다", "> 네", "네", "> 그럼요", "내일 오전에 방문하겠습니다"), (1, 1)),
        (("그건 처리가 불가합니다", "> 그럼 어떡해요", "저도 모르겠습니다"), (1, 0)),
        (("욕설을 하시면 통화가 종료될 수 있습니다", "> 네"), (0, 0)),
        (("미리 연락을 못 드려 죄송합니다", "> 네"), (0, 0)),
    ],
)
def test_a_refusal_calls_for_an_alternative_or_another_time(
    said: tuple[str, ...], expected: tuple[int, int]
) -> None:
    assert due_and_met(courtesy(*said), "alternative") == expected


def test_negative_phrasing_counts_only_where_nothing_is_offered_instead() -> None:
    blunt = courtesy("그건 안 됩니다", "> 그럼요", "저도 잘 모르겠습니다")
    assert blunt.negative_phrasing.count == 2
    assert blunt.negative_phrasing.per_100_sentences == 100
    offered = courtesy("그건 안 됩니다. 대신 앱에서 신청하실 수 있습니다.", "> 네")
    assert offered.negative_phrasing.count == 0


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (("> 주문번호는 33018842예요", "33018842번 맞으신가요"), (1, 1)),
        (("> 주문번호는 3301 8842예요", "네 3301에 8842번이요"), (1, 1)),
        (("> 주문번호는 33018842예요", "네 33번이요"), (1, 0)),
        (("> 번호는 공일공 이삼사오 육칠팔구예요", "공일공 이삼사오 육칠팔구 맞으시죠"), (1, 1)),
        (("성함이 어떻게 되세요", "> 김민지요", "네 김민지 고객님 확인되셨습니다"), (1, 1)),
        (("성함이 어떻게 되세요", "> 김민지요", "네 확인되셨습니다"), (1, 0)),
        (("> 두 개 주문했어요", "네 두 개요"), (0, 0)),
        (("> 십오만 원이 나왔어요", "네 확인해 볼게요"), (0, 0)),
        (("생년월일이 어떻게 되세요", "> 구공년 오월 십이일이요", "네 확인됐습니다"), (0, 0)),
        (("> 주문번호는 33018842예요",), (0, 0)),
    ],
)
def test_the_agent_repeats_what_the_customer_gave_but_no_proof_of_identity(
    said: tuple[str, ...], expected: tuple[int, int]
) -> None:
    lines = ("네 말씀하세요", *said) if said[0].startswith(">") else said
    assert due_and_met(courtesy(*lines), "repeat_back") == expected


def test_a_name_alone_is_not_most_of_name_and_number() -> None:
    found = courtesy(
        "성함하고 연락처 말씀해 주세요", "> 김민지고요 공일공 이삼사오 육칠팔구예요", "네 김민지 고객님"
    )
    assert due_and_met(found, "repeat_back") == (1, 0)


def policy(action: str) -> str:
    """A policy that masks everything but does ``action`` with names and telephone numbers."""
    actions = dict.fromkeys(map(str, PersonalDataType), "mask") | {"name": action, "phone": action}
    return yaml.safe_dump({"version": "t", "padding_ms": 0, "actions": actions})


@pytest.mark.parametrize("action", ["mask", "keep", "keep_last_four"])
def test_names_and_repeats_are_known_under_every_policy(action: str, tmp_path: Path) -> None:
    own = tmp_path / "pii.policy.yaml"
    own.write_text(policy(action), encoding="utf-8")
    engine = AnalysisEngine(tables=Tables(tmp_path))
    found = courtesy(
        "성함하고 연락처 말씀해 주세요",
        "> 김민지고요 010-2345-6789예요",
        "네 김민지 고객님 공일공 이삼사오 육칠팔구 확인했습니다",
        engine=engine,
    )
    assert due_and_met(found, "repeat_back") == (1, 1)
    assert found.name_use.count == 1


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("제가 직접 확인해서 내일까지 연락드리겠습니다", "ownership"),
        ("책임지고 처리하겠습니다", "ownership"),
        ("그건 고객님 잘못입니다", "blame"),
        ("흥분하지 마시고요", "conflict"),
        ("김민지 고객님 감사합니다", "name_use"),
    ],
)
def test_what_is_said_is_found_with_its_place(text: str, name: str) -> None:
    found = getattr(courtesy("성함이 어떻게 되세요", "> 김민지요", text), name)
    assert found.count == 1
    assert [one.turn_id for one in found.instances] == ["t0003"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("제가 확인해 보니 결제가 됐네요", "ownership"),
        ("김민지 고객님 맞으신가요", "name_use"),
        ("인터넷이 안 되시나요", "negative_phrasing"),
    ],
)
def test_what_only_looks_like_it_is_not_found(text: str, name: str) -> None:
    assert getattr(courtesy("성함이 어떻게 되세요", "> 김민지요", text), name).count == 0


def test_a_promise_with_a_time_is_told_from_one_without() -> None:
    found = courtesy("내일까지 연락드리겠습니다", "> 네", "제가 처리해 드리겠습니다")
    assert (found.promises, found.promises_with_time) == (2, 1)


@pytest.mark.parametrize(
    ("name", "said", "expected"),
    [
        ("cushion", ("Would you mind giving me your account number?", "> Sure."), (1, 1)),
        ("cushion", ("Your application was declined.", "> Oh."), (1, 0)),
        ("empathy", ("> I'm so upset and frustrated.", "I understand how frustrating that is."), (1, 1)),
        ("apology", ("> You charged me twice.", "I'm very sorry about that."), (1, 1)),
        ("apology", ("> I entered the wrong address.", "No problem."), (0, 0)),
        ("apology", ("> Your guy flooded my bathroom!", "Hold on."), (1, 0)),
        ("apology", ("> Someone had broken in while we were away.", "I see."), (0, 0)),
        ("cushion", ("I'm sorry, but the claim was declined.", "> Oh."), (1, 1)),
        ("cushion", ("We don't pay for water damage.", "> Oh."), (1, 0)),
        ("alternative", ("We can't do that. You could move it to Tuesday instead.", "> Okay."), (1, 1)),
        ("repeat_back", ("Go ahead.", "> It's 4471 9920.", "4471 9920, thank you."), (1, 1)),
    ],
)
def test_english_occasions(name: str, said: tuple[str, ...], expected: tuple[int, int]) -> None:
    assert due_and_met(courtesy(*said, language="en"), name) == expected


def test_nothing_due_has_no_ratio() -> None:
    found = courtesy("안녕하세요", "> 네 안녕하세요")
    assert found.cushion.ratio is None
    assert courtesy("그건 안 됩니다", "> 네").cushion.ratio == 0


@pytest.mark.parametrize(
    ("language", "roles", "reason"),
    [
        ("ko", False, SkipReason.ROLES_UNKNOWN),
        ("de", True, SkipReason.UNSUPPORTED_LANGUAGE),
    ],
)
def test_without_parties_or_rules_it_is_skipped(language: str, roles: bool, reason: SkipReason) -> None:
    document = call(("agent", "음"), ("customer", "음"), language=language, roles=roles)
    assert document.quality is not None
    assert document.quality.courtesy is None
    assert reason in {s.reason for s in document.skipped if s.feature == "quality.courtesy"}


LINES = st.sampled_from(
    [
        ("agent", "그건 어렵습니다"),
        ("agent", "성함이 어떻게 되세요"),
        ("agent", "많이 속상하셨겠어요"),
        ("agent", "정말 죄송합니다"),
        ("agent", "네"),
        ("customer", "너무 화가 나요 택배가 안 왔어요"),
        ("customer", "김민지요 33018842예요"),
        ("customer", "네"),
        ("other", "상담사를 연결해 드리겠습니다"),
    ]
)


@given(st.lists(LINES, min_size=1, max_size=8))
def test_no_more_is_met_than_is_due_and_what_is_missed_is_the_rest(said: list[tuple[str, str]]) -> None:
    both = [("agent", "안녕하세요"), *said, ("customer", "네")]
    quality = call(*both).quality
    assert quality is not None
    assert quality.courtesy is not None
    for name in courtesy_quality.COVERAGES:
        coverage = getattr(quality.courtesy, name)
        assert 0 <= coverage.met <= coverage.due
        assert len({missed.sentence_id for missed in coverage.missed}) == coverage.due - coverage.met


def test_labelled_dialogues_are_many_and_no_two_alike() -> None:
    sets = {part: courtesy_quality.talks(part) for part in courtesy_quality.PARTS}
    assert min(len(sets["dev"]), len(sets["frozen"])) >= 20
    texts = [tuple(turn.text for turn in talk.turns) for talks in sets.values() for talk in talks]
    assert len(set(texts)) == len(texts)


def test_labelled_dialogues_are_judged_better_than_by_keywords() -> None:
    dev = [
        row for row in courtesy_quality.table() if row[0] == "dev" and row[1] in courtesy_quality.COVERAGES
    ]
    ours = [float(str(row[3])) + float(str(row[4])) for row in dev]
    plain = [float(str(row[7])) + float(str(row[8])) for row in dev]
    assert sum(ours) / (2 * len(dev)) >= 0.85
    assert all(mine > theirs for mine, theirs in zip(ours, plain, strict=True))
