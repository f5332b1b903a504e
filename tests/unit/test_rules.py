"""Rule files: errors with their line and column, kinds by name or key, and trying one on calls."""

import json
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner

from consumers.analysis import data
from consumers.analysis.category_rules import CategoryTable
from consumers.analysis.rule_files import KINDS, read
from infra.errors import Fatal, Poison
from ops.cli.exits import Exit
from ops.cli.main import app

GOOD = """version: "1"
categories:
  - name: refund
    title: 환불
    all:
      - phrases: {ko: [환불]}
        speaker: customer
"""


def complaints(text: str) -> list[tuple[int, int]]:
    found = data.attempt(text, CategoryTable)
    assert isinstance(found, list)
    return [(complaint.line, complaint.column) for complaint in found]


def test_every_shipped_table_passes_the_check() -> None:
    shipped = sorted(f.name for f in files(data).iterdir() if f.name.endswith(".yaml"))
    assert shipped
    for name in shipped:
        found = read(Path(str(files(data).joinpath(name))))
        assert not found.complaints, name
        assert found.name == name


def test_a_wrong_value_is_told_with_its_line_and_column() -> None:
    assert complaints(GOOD.replace("speaker: customer", "speaker: client")) == [(7, 18)]


def test_an_unknown_key_is_told_where_it_stands() -> None:
    assert complaints(GOOD.replace("title: 환불", "title: 환불\n    colour: red")) == [(5, 13)]


def test_a_missing_key_is_told_at_what_lacks_it() -> None:
    assert complaints(GOOD.replace("    title: 환불\n", "")) == [(3, 5)]


def test_a_key_that_stands_twice_is_told() -> None:
    assert complaints(GOOD + "        speaker: agent\n") == [(8, 9)]


def test_what_is_no_yaml_is_told_with_its_place() -> None:
    assert complaints('version: "1"\ncategories: [\n') == [(3, 1)]


def test_an_empty_file_is_told() -> None:
    assert complaints("") == [(1, 1)]


def test_the_kind_is_told_by_the_name_or_by_the_key(tmp_path: Path) -> None:
    by_name, by_key, unknown = tmp_path / "categories.yaml", tmp_path / "mine.yaml", tmp_path / "other.yaml"
    by_name.write_text(GOOD, encoding="utf-8")
    by_key.write_text("kind: categories\n" + GOOD, encoding="utf-8")
    unknown.write_text(GOOD, encoding="utf-8")
    assert [read(f).kind for f in (by_name, by_key)] == ["categories", "categories"]
    with pytest.raises(Fatal, match="kind"):
        read(unknown)


def test_every_shipped_file_has_a_kind() -> None:
    for file in files(data).iterdir():
        if file.name.endswith(".yaml"):
            stem = file.name.removesuffix(".yaml")
            assert stem in KINDS or stem.rpartition(".")[0] in KINDS


def test_check_exits_1_and_names_the_place(tmp_path: Path) -> None:
    file = tmp_path / "categories.yaml"
    file.write_text(GOOD.replace("customer", "client"), encoding="utf-8")
    result = CliRunner().invoke(app, ["rules", "check", str(file)])
    assert result.exit_code == Exit.SOME_FAILED
    assert f"{file}:7:18: " in result.stderr


def test_check_exits_0_when_all_are_right(tmp_path: Path) -> None:
    file = tmp_path / "categories.yaml"
    file.write_text(GOOD, encoding="utf-8")
    result = CliRunner().invoke(app, ["rules", "check", str(file)])
    assert result.exit_code == Exit.OK
    assert "no errors" in result.stdout


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    folder = tmp_path / "calls"
    folder.mkdir()
    turns = [
        {"speaker": "A", "start_ms": 0, "end_ms": 2000, "text": "무엇을 도와드릴까요"},
        {"speaker": "B", "start_ms": 3000, "end_ms": 5000, "text": "환불해 주세요"},
    ]
    roles = {"A": "agent", "B": "customer"}
    one = {"call_id": "one", "language": "ko", "roles": roles, "turns": turns}
    other = one | {"call_id": "other", "turns": turns[:1]}
    text = "\n".join(json.dumps(call, ensure_ascii=False) for call in (one, other))
    (folder / "calls.jsonl").write_text(text, encoding="utf-8")
    return folder


def test_trying_a_file_tells_which_calls_match_and_where(tmp_path: Path, calls: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("kind: categories\n" + GOOD, encoding="utf-8")
    result = CliRunner().invoke(app, ["rules", "test", str(file), "--calls", str(calls), "--jsonl"])
    assert result.exit_code == Exit.OK
    (match,) = [json.loads(line) for line in result.stdout.splitlines()]
    assert (match["call_id"], match["rule"], match["turn_id"], match["start_ms"]) == (
        "one",
        "refund",
        "t0002",
        3000,
    )
    assert "refund: 1 of 2 calls" in result.stderr


def test_trying_a_wrong_file_is_refused_with_its_place(tmp_path: Path, calls: Path) -> None:
    file = tmp_path / "categories.yaml"
    file.write_text(GOOD.replace("customer", "client"), encoding="utf-8")
    result = CliRunner().invoke(app, ["rules", "test", str(file), "--calls", str(calls)])
    assert isinstance(result.exception, Poison)
    assert ":7:18:" in result.exception.message


def test_a_folder_without_calls_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "categories.yaml"
    file.write_text(GOOD, encoding="utf-8")
    result = CliRunner().invoke(app, ["rules", "test", str(file), "--calls", str(tmp_path / "none")])
    assert isinstance(result.exception, Fatal)
