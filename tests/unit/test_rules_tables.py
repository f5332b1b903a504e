"""Tables by tenant, noticed when they change, kept when the change is wrong."""

import os
from pathlib import Path

import pytest

from consumers.analysis.category_rules import TABLE, CategoryTable
from consumers.analysis.engine import AnalysisEngine
from consumers.analysis.tables import SHIPPED, Tables, TenantTables
from consumers.analysis.transcript import analyse_turns
from infra.errors import Fatal

CALL = {
    "call_id": "c",
    "language": "ko",
    "turns": [{"speaker": "S", "start_ms": 0, "end_ms": 1000, "text": "네"}],
}


def write(folder: Path, version: str) -> None:
    """A table whose file is newer than any before it, whatever the clock's resolution."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / TABLE
    newer = file.stat().st_mtime_ns + 1_000_000_000 if file.exists() else None
    file.write_text(f'version: "{version}"\ncategories: []\n', encoding="utf-8")
    if newer is not None:
        os.utime(file, ns=(newer, newer))


def version(tables: Tables) -> str:
    return tables.get(TABLE, CategoryTable).version


def test_a_tenants_own_goes_before_the_shared_and_the_shared_before_the_shipped(tmp_path: Path) -> None:
    tenants = TenantTables(tmp_path)
    assert version(tenants.of("acme")) == version(SHIPPED)
    write(tmp_path, "shared")
    assert version(tenants.of("acme")) == "shared"
    write(tmp_path / "acme", "acme's")
    assert version(tenants.of("acme")) == "acme's"
    assert version(tenants.of("other")) == "shared"


def test_a_changed_file_is_read_at_the_next_call_and_an_unchanged_one_is_not(tmp_path: Path) -> None:
    write(tmp_path, "1")
    tenants = TenantTables(tmp_path)
    first = tenants.of("acme").get(TABLE, CategoryTable)
    assert tenants.of("acme").get(TABLE, CategoryTable) is first
    write(tmp_path, "2")
    assert version(tenants.of("acme")) == "2"


def test_a_file_that_is_taken_away_gives_way_to_the_shipped_one(tmp_path: Path) -> None:
    write(tmp_path, "1")
    tenants = TenantTables(tmp_path)
    assert version(tenants.of("acme")) == "1"
    (tmp_path / TABLE).unlink()
    assert version(tenants.of("acme")) == version(SHIPPED)


def test_a_change_that_is_wrong_leaves_the_tables_of_before_in_use(tmp_path: Path) -> None:
    write(tmp_path, "1")
    tenants = TenantTables(tmp_path)
    assert version(tenants.of("acme")) == "1"
    (tmp_path / TABLE).write_text("version: [no\n", encoding="utf-8")
    assert version(tenants.of("acme")) == "1"
    write(tmp_path, "3")
    assert version(tenants.of("acme")) == "3"


def test_a_file_that_is_wrong_from_the_start_is_fatal_with_its_place(tmp_path: Path) -> None:
    (tmp_path / TABLE).write_text('version: "1"\ncategories: none\n', encoding="utf-8")
    with pytest.raises(Fatal, match=rf"{TABLE}:2:13"):
        version(TenantTables(tmp_path).of("acme"))


@pytest.mark.parametrize("tenant", ["..", "../outside", ".", "/etc", "a/b", "a\0b"])
def test_a_tenants_name_leads_out_of_no_folder(tmp_path: Path, tenant: str) -> None:
    write(tmp_path / "outside", "outside")
    write(tmp_path / "rules", "shared")
    write(tmp_path / "rules" / "a" / "b", "nested")
    assert version(TenantTables(tmp_path / "rules").of(tenant)) == "shared"


def test_the_documents_provenance_names_the_tenants_version(tmp_path: Path) -> None:
    write(tmp_path / "default", "mine")
    document = analyse_turns(AnalysisEngine(rules_dir=tmp_path), CALL)
    assert document.provenance.versions["categories"] == "mine"
