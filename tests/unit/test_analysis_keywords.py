"""Keywords: nouns and compounds, weighed by how rare they are among an operator's own calls."""

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError
from typer.testing import CliRunner

from consumers.analysis.engine import AnalysisEngine
from consumers.analysis.keywords import FrequencyTable
from consumers.analysis.tables import SHIPPED, Tables
from consumers.analysis.transcript import analyse_turns
from infra.errors import Poison
from ops.cli.main import app
from ops.frequencies import count
from schemas.document import CallDocument

ENGINE = AnalysisEngine()


def analyse(*texts: str, engine: AnalysisEngine = ENGINE, language: str = "ko") -> CallDocument:
    turns = [
        {"speaker": "customer", "start_ms": n * 3000, "end_ms": n * 3000 + 2500, "text": text}
        for n, text in enumerate(texts)
    ]
    given = {"call_id": "c", "language": language, "roles": {"customer": "customer"}, "turns": turns}
    return analyse_turns(engine, given)


def terms(document: CallDocument) -> list[str]:
    return [keyword.term for keyword in document.keywords]


def test_particles_and_words_of_every_call_are_no_keywords() -> None:
    """K-fault: whitespace words such as 요금이 and 제가 were counted."""
    found = terms(analyse("고객 상담 확인 부탁드려요", "위약금이 얼마인지 위약금을 알려 주세요"))
    assert found == ["위약금"]


def test_nouns_written_together_are_one_term() -> None:
    assert "자동이체" in terms(analyse("자동이체를 바꾸고 싶어요"))
    assert "비밀번호" in terms(analyse("비밀번호를 잊어버렸어요"))


def test_nouns_with_a_blank_are_one_term_when_they_come_back() -> None:
    assert "설치 기사" in terms(analyse("설치 기사가 안 왔어요", "설치 기사 언제 와요"))
    assert "설치 기사" not in terms(analyse("설치 기사가 안 왔어요"))


def test_what_replaces_personal_data_is_no_keyword() -> None:
    assert terms(analyse("[CARD] 카드가 안 돼요")) == ["카드"]


def test_a_keyword_says_how_often_and_where_it_is_said_first() -> None:
    document = analyse("환율 우대가 궁금해요", "환율 말이에요")
    first = next(k for k in document.keywords if k.term == "환율")
    assert first.count == 2
    assert first.score == 1
    assert first.evidence[0].turn_id == "t0001"


def test_english_stop_words_are_left_out() -> None:
    found = terms(analyse("I would like to know about the mortgage rate", language="en"))
    assert found == ["mortgage", "rate"]


def test_without_a_table_frequency_decides_and_the_provenance_says_so() -> None:
    assert SHIPPED.get("document_frequency.yaml", FrequencyTable).calls == 0
    assert analyse("환율").provenance.versions["keywords"] == "frequency only"


def test_a_table_of_own_calls_puts_rare_terms_first(tmp_path: Path) -> None:
    said = "대출 금리랑 공증 때문에요"
    assert terms(analyse(said))[0] == "대출"
    table = FrequencyTable(version="mine", calls=1000, terms={"대출": 900, "금리": 700})
    (tmp_path / "document_frequency.yaml").write_text(yaml.safe_dump(table.model_dump(mode="json")))
    weighed = analyse(said, engine=AnalysisEngine(tables=Tables(tmp_path)))
    assert terms(weighed)[0] == "공증"
    assert weighed.provenance.versions["keywords"] == "mine, 1000 calls"


def test_a_table_counts_calls_and_leaves_out_what_few_calls_say() -> None:
    """A term of one or two calls may be somebody's name."""
    documents = [analyse("대출 대출 대출", "공증") for _ in range(2)] + [analyse("대출이요")]
    table = count(documents, version="v")
    assert (table.calls, table.terms) == (3, {"대출": 3})


def test_the_command_writes_the_table_that_the_analysis_reads(tmp_path: Path) -> None:
    documents, table = tmp_path / "documents.jsonl", tmp_path / "document_frequency.yaml"
    documents.write_text("".join(analyse("대출이요").model_dump_json() + "\n" for _ in range(3)))
    arguments = ["keywords", "build", str(documents), "--output", str(table)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "1 terms of 3 calls" in result.stdout
    assert Tables(tmp_path).get(table.name, FrequencyTable).terms == {"대출": 3}


def test_the_command_names_the_line_that_is_no_document(tmp_path: Path) -> None:
    documents = tmp_path / "documents.jsonl"
    documents.write_text("\n{}\n")
    arguments = ["keywords", "build", str(documents), "--output", str(tmp_path / "t.yaml")]
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, Poison)
    assert "line 2" in result.exception.message


def test_a_table_cannot_count_more_than_its_calls() -> None:
    with pytest.raises(ValidationError, match="more than the 2 calls"):
        FrequencyTable(version="v", calls=2, terms={"대출": 3})
