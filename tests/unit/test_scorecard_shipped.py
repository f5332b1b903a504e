"""The shipped rubric: what fails a call, and what its items ask for."""

from typing import Any

import pytest

from schemas.acts import Place, Profanity
from schemas.document import CallDocument
from schemas.outcome import Outcome
from schemas.quality import ByParty, Findings, Honorifics, LanguageQuality, Quality, Questions, ScriptStep
from schemas.records import Role
from tests.unit.scorecard_records import (
    MISSED,
    NOTHING,
    a_document,
    by_shipped,
    courtesy,
    item_of,
    sentence,
    turn,
)


def agent_language(plain: int, places: tuple[Place, ...] = ()) -> Quality:
    honorifics = Honorifics(
        deferential=5, polite=5, plain=plain, unfinished=0, none=0, ratio=0.5, plain_sentences=places
    )
    spoken = LanguageQuality(
        sentences=10,
        honorifics=honorifics,
        questions=Questions(open=0, closed=0, verification=0),
        jargon=NOTHING,
    )
    return Quality(language=ByParty[LanguageQuality](agent=spoken))


def failures_of(**fields: Any) -> list[str]:
    return [failure.id for failure in by_shipped(a_document(**fields)).failures]


def test_plain_speech_fails_a_call_when_it_is_more_than_a_slip() -> None:
    assert failures_of(quality=agent_language(2)) == []
    assert failures_of(quality=agent_language(3)) == ["plain_speech"]
    card = by_shipped(a_document(quality=agent_language(3, (MISSED,) * 3)))
    assert [place.sentence_id for place in card.failures[0].evidence] == ["t2.1"] * 3


def test_profanity_fails_a_call_when_the_agent_says_it() -> None:
    at = {"turn_id": "t1", "sentence_id": "t1.1", "start_ms": 0, "end_ms": 1, "speaker": "A", "tier": 1}
    said = {role: Profanity.model_validate(at | {"role": role}) for role in (Role.AGENT, Role.CUSTOMER)}
    assert failures_of(profanity=(said[Role.CUSTOMER],)) == []
    assert failures_of(profanity=(said[Role.CUSTOMER], said[Role.AGENT])) == ["profanity"]


def test_blame_fails_a_call_from_the_second_time_on() -> None:
    assert failures_of(quality=courtesy(blame=Findings(count=1))) == []
    assert failures_of(quality=courtesy(blame=Findings(count=2))) == ["blame"]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("ko", "주민등록번호 뒷자리까지 불러 주시겠어요"),
        ("ko", "주민번호 전체를 말씀해 주세요"),
        ("ko", "고객님 주민등록번호가 어떻게 되세요"),
        ("ko", "주민등록번호 열세 자리 부탁드립니다"),
        ("ko", "주민등록번호 앞자리하고 뒷자리 불러 주세요"),
        ("ko", "카드 뒷면에 있는 세 자리 숫자 불러 주세요"),
        ("ko", "씨브이씨 번호 말씀해 주시겠습니까"),
        ("ko", "CVC 번호 알려 주세요"),
        ("ko", "카드 비밀번호 앞 두 자리 말씀해 주세요"),
        ("ko", "통장 비밀번호 네 자리 불러 주시면 됩니다"),
        ("en", "Could you tell me your full social security number?"),
        ("en", "I need the three digits on the back of your card."),
        ("en", "What's the CVV on that card?"),
        ("en", "Please give me your PIN number."),
    ],
)
def test_asking_for_a_secret_number_by_voice_fails_a_call(language: str, text: str) -> None:
    said = (turn(Role.AGENT, sentence("a.1", text)), turn(Role.CUSTOMER))
    found = by_shipped(a_document(language=language, turns=said)).failures
    assert [failure.id for failure in found] == ["secret_by_voice"]
    assert [(e.turn_id, e.sentence_id) for e in found[0].evidence] == [("turn-agent", "a.1")]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("ko", "주민등록번호 앞 여섯 자리 말씀해 주세요"),
        ("ko", "주민등록번호 뒷자리 첫 번째 숫자만 말씀해 주세요"),
        ("ko", "주민등록번호 뒷자리는 말씀하지 마시고 눌러 주세요"),
        ("ko", "카드 비밀번호는 전화기 키패드로 입력해 주세요"),
        ("ko", "저희는 카드 비밀번호를 여쭤보지 않습니다"),
        ("ko", "카드 비밀번호를 잊으셨으면 재설정 방법을 알려 드리겠습니다"),
        ("ko", "생년월일 여섯 자리와 성함 부탁드립니다"),
        ("ko", "주문번호 말씀해 주시겠어요"),
        ("en", "Please enter your PIN number on the keypad."),
        ("en", "We will never ask you to tell us your full social security number."),
        ("en", "What are the last four digits of your social security number?"),
        ("en", "Can you confirm your order number?"),
    ],
)
def test_asking_for_less_or_by_keypad_or_warning_of_it_fails_nothing(language: str, text: str) -> None:
    said = (turn(Role.AGENT, sentence("a.1", text)), turn(Role.CUSTOMER))
    assert by_shipped(a_document(language=language, turns=said)).failures == ()


def test_a_customer_who_names_a_secret_fails_nothing() -> None:
    said = (
        turn(Role.AGENT),
        turn(Role.CUSTOMER, sentence("c.1", "제 주민등록번호 전체를 불러 드릴까요 알려 드려요")),
    )
    assert by_shipped(a_document(turns=said)).failures == ()


@pytest.mark.parametrize(
    ("label", "with_time", "share"),
    [
        ("resolved", 0, 1), ("promised", 1, 1), ("promised", 0, 0.7), ("transferred", 0, 0.7),
        ("unresolved", 0, 0.4), ("dropped", 0, None), ("unknown", 0, None),
    ],
)  # fmt: skip # one label a row
def test_a_promise_is_worth_all_only_with_its_time(label: Any, with_time: int, share: float | None) -> None:
    quality = courtesy(promises=1, promises_with_time=with_time)
    document = a_document(outcome=Outcome(label=label, confidence=0.5), quality=quality)
    assert item_of(by_shipped(document), "resolution").share == share


def test_a_greeting_without_a_name_or_too_late_is_worth_less() -> None:
    def share(greeting: bool | None, *, named: bool = True) -> float | None:
        steps = (
            ScriptStep(step="greeting", said=greeting is not None, in_place=greeting),
            ScriptStep(step="self_introduction", said=named, in_place=True if named else None),
        )
        return item_of(by_shipped(a_document(quality=Quality(script=steps))), "greeting").share

    assert share(greeting=True) == 1
    assert share(greeting=True, named=False) == 0.4
    assert share(greeting=False) == 0.4
    assert share(greeting=None) == 0


def test_identity_is_to_be_checked_only_where_there_is_an_account_to_protect() -> None:
    steps = (ScriptStep(step="identity_check", said=False),)
    without = a_document(quality=Quality(script=steps), acts={"identity_check": 0})
    assert item_of(by_shipped(without), "identity_check").status == "not_applicable"
    card = {"type": "card", "action": "mask", "turn_id": "t1", "start_ms": 0, "end_ms": 1}
    given = without.model_dump() | {"pii": [card | {"start_char": 0, "end_char": 1, "confidence": 1.0}]}
    found = item_of(by_shipped(CallDocument.model_validate(given)), "identity_check")
    assert (found.status, found.share) == ("scored", 0)


def test_a_call_that_is_handed_over_owes_no_closing() -> None:
    document = a_document(acts={"further_help": 0}, outcome=Outcome(label="transferred", confidence=0.5))
    assert item_of(by_shipped(document), "further_help").status == "not_applicable"
    ended = document.model_copy(update={"outcome": Outcome(label="resolved", confidence=0.5)})
    assert item_of(by_shipped(ended), "further_help").share == 0
