"""Nothing of a personal value reaches the document, and what is left stays consistent."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from consumers.analysis import engine as engine_module
from consumers.analysis.engine import AnalysisEngine
from consumers.analysis.keywords import KeywordAnalyser
from consumers.analysis.personal_data.analyser import PersonalDataAnalyser
from consumers.analysis.personal_data.policy import POLICY, RedactionPolicy, Redactor
from consumers.analysis.tables import SHIPPED, Tables
from consumers.analysis.timing import TimingAnalyser
from consumers.analysis.tokens import KoreanTokeniser, WordTokeniser
from consumers.analysis.transcript import analyse_turns
from schemas.document import CallDocument
from schemas.personal_data import PersonalDataType as Kind
from schemas.personal_data import RedactionAction

ANALYSERS = (TimingAnalyser(), KeywordAnalyser(), PersonalDataAnalyser())
ENGINE = AnalysisEngine(ANALYSERS)
CALL = [
    ("A", "한빛은행 상담사 이수진입니다 카드번호 불러 주세요"),
    ("B", "네 사일일일 일일일일 일일일일 일일일일이요"),
    ("A", "성함이 어떻게 되세요"),
    ("B", "박서준이고요 메일은 park77@example.com입니다"),
]
SECRETS = ("일일일일", "박서준", "park77")


def words(text: str, start_ms: int) -> list[dict[str, Any]]:
    return [
        {"word": w, "start_ms": start_ms + n * 400, "end_ms": start_ms + n * 400 + 300, "confidence": 0.9}
        for n, w in enumerate(text.split())
    ]


def payload(*, worded: bool = True, turns: list[tuple[str, str]] = CALL) -> dict[str, Any]:
    spoken = [
        {"speaker": s, "start_ms": n * 10_000, "end_ms": n * 10_000 + 8_000, "text": text}
        | ({"words": words(text, n * 10_000)} if worded else {})
        for n, (s, text) in enumerate(turns)
    ]
    return {
        "call_id": "c",
        "language": "ko",
        "channels": 2,
        "roles": {"A": "agent", "B": "customer"},
        "turns": spoken,
    }


def analyse(engine: AnalysisEngine = ENGINE, **options: Any) -> CallDocument:
    return analyse_turns(engine, payload(**options))


@pytest.mark.parametrize("worded", [True, False])
def test_regression_k13_no_value_is_anywhere_in_the_document(worded: bool) -> None:
    written = analyse(worded=worded).model_dump_json()
    assert not [secret for secret in SECRETS if secret in written]
    assert "[CARD]" in written


def test_text_words_and_sentences_of_a_redacted_turn_agree() -> None:
    for turn in analyse().turns:
        assert "".join(s.text for s in turn.sentences) == turn.text
        assert " ".join(w.word for w in turn.words) == turn.text


def test_each_finding_has_turn_sentence_padded_times_channel_and_place() -> None:
    document = analyse()
    card = next(found for found in document.pii if found.type is Kind.CARD)
    turn = document.turns[1]
    padding_ms = SHIPPED.get(POLICY, RedactionPolicy).padding_ms
    assert (card.turn_id, card.channel) == (turn.id, 1)
    assert (card.start_ms, card.end_ms) == (10_400 - padding_ms, 11_900 + padding_ms)
    assert turn.text[card.start_char : card.end_char] == "[CARD]"
    assert card.sentence_id in {sentence.id for sentence in turn.sentences}


def test_without_word_times_a_finding_spans_its_turn() -> None:
    card = next(found for found in analyse(worded=False).pii if found.type is Kind.CARD)
    assert card.start_ms <= 10_000
    assert card.end_ms >= 18_000


def test_the_agents_own_name_is_kept() -> None:
    document = analyse()
    assert "이수진" in document.turns[0].text
    assert {(p.type, p.action) for p in document.pii if p.turn_id == "t0001"} == {
        (Kind.AGENT_NAME, RedactionAction.KEEP)
    }


def test_words_that_the_text_does_not_hold_are_not_written() -> None:
    given = payload()
    given["turns"][1]["words"] = words("4111 1111 1111 1111", 10_000)
    assert "1111" not in analyse_turns(ENGINE, given).model_dump_json()


def test_when_redaction_fails_no_word_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("박서준")

    monkeypatch.setattr(engine_module, "redact", broken)
    document = analyse()
    assert document.turns == ()
    assert {"turns.text", "pii"} <= {skipped.feature for skipped in document.skipped}
    assert not [secret for secret in SECRETS if secret in document.model_dump_json()]


@pytest.mark.parametrize(
    ("tokeniser", "text"),
    [
        (KoreanTokeniser(), "제 번호는 [DRIVER_LICENSE]이고요"),
        (WordTokeniser(), "my card [CARD:1111] please"),
    ],
)
def test_a_placeholder_is_one_token(tokeniser: KoreanTokeniser | WordTokeniser, text: str) -> None:
    marked = [token for token in tokeniser.tokenise(text) if "[" in token.form or "]" in token.form]
    assert [text[token.start : token.end] for token in marked] == [
        text[text.index("[") : text.index("]") + 1]
    ]


def policy(**actions: str) -> RedactionPolicy:
    shipped = SHIPPED.get(POLICY, RedactionPolicy)
    changed = {Kind(kind): RedactionAction(action) for kind, action in actions.items()}
    return shipped.model_copy(update={"actions": {**shipped.actions, **changed}})


def test_a_hash_links_the_same_value_however_it_is_said_and_no_other_tenant() -> None:
    key = SecretStr("k" * 32)
    ours, theirs = (Redactor(policy(phone="hash"), tenant, key) for tenant in ("a", "b"))
    spoken = ours.placeholder(Kind.PHONE, "공일공 일이삼사 오육칠팔")
    assert spoken == ours.placeholder(Kind.PHONE, "010-1234-5678")
    assert spoken != theirs.placeholder(Kind.PHONE, "010-1234-5678")
    assert spoken != ours.placeholder(Kind.PHONE, "010-1234-5679")


def test_hashing_without_a_key_masks() -> None:
    redactor = Redactor(policy(phone="hash"), "a")
    assert redactor.placeholder(Kind.PHONE, "010-1234-5678") == "[PHONE]"
    assert redactor.action(Kind.PHONE) is RedactionAction.MASK


def test_the_last_four_are_kept_of_long_numbers_only() -> None:
    redactor = Redactor(policy(card="keep_last_four", pin="keep_last_four"), "a")
    assert redactor.placeholder(Kind.CARD, "사일일일 일일일일 일일일일 일이삼사") == "[CARD:1234]"
    assert redactor.placeholder(Kind.PIN, "일이삼사") == "[PIN]"


def test_a_tenants_own_policy_replaces_the_shipped_one(tmp_path: Path) -> None:
    own = policy(email="keep").model_dump_json()
    (tmp_path / POLICY).write_text(own, encoding="utf-8")
    document = analyse(AnalysisEngine(ANALYSERS, tables=Tables(tmp_path)))
    assert "park77@example.com" in document.turns[3].text
