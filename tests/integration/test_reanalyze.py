"""Stored calls analysed again: new revisions from the stored parts, without audio, told apart by ``diff``."""

import asyncio
import json
from pathlib import Path
from typing import cast

import pytest
import yaml
from typer.testing import CliRunner

from infra.errors import Poison
from infra.settings import Settings
from infra.store import Store
from ops.cli.main import app
from ops.comparison import Comparison, pairs
from ops.reanalysis import Reanalysis
from schemas.document import CallDocument
from schemas.records import SpeakerSegment
from tests.integration.store_records import a_diarized, a_failed_part, a_transcribed

pytestmark = pytest.mark.integration

SAID = "포인트 적립이 안 됐어요 포인트 확인해 주세요"


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A tenant's own topics: one, which the call is about."""
    topic = {"name": "loyalty", "title": "포인트", "any": {"포인트/NNG": 3}}
    table = {"version": "own-1", "language": "ko", "topics": [topic]}
    (tmp_path / "topics.ko.yaml").write_text(yaml.safe_dump(table, allow_unicode=True), encoding="utf-8")
    return tmp_path


async def stored(store: Store, call_id: str = "call-1", *, text: str = SAID) -> None:
    """A call's parts as the pipeline leaves them, and its first document."""
    await store.assemble(a_transcribed(call_id, text=text).model_copy(update={"language": "ko"}))
    whole = SpeakerSegment(speaker="A", start_ms=0, end_ms=900)
    await store.assemble(a_diarized(call_id).model_copy(update={"segments": (whole,)}))
    async for _ in Reanalysis(store, run_id="1").run([("default", call_id)]):
        pass


async def again(store: Store, run_id: str, *call_ids: str, rules: Path | None = None) -> list[CallDocument]:
    keys = [("default", call_id) for call_id in call_ids]
    found = [result async for result in Reanalysis(store, run_id=run_id, rules=rules).run(keys)]
    return [result.document for result in found if result.document is not None]


async def test_a_new_revision_is_written_and_the_old_one_kept(store: Store, rules: Path) -> None:
    await stored(store)
    before = await store.find("call-1")
    (document,) = await again(store, "reanalyze-1", "call-1", rules=rules)
    assert before is not None
    assert await store.find("call-1") == document
    assert (document.run_id, document.revision) == ("reanalyze-1", before.revision + 1)
    assert document.turns == before.turns
    assert [t.name for t in document.topics] == ["loyalty"]
    assert document.provenance.versions["topics.ko"] == "own-1"
    assert await store.count("call_revisions", {"call_id": "call-1"}) == 2


async def test_diff_tells_what_the_rules_changed_and_on_how_many_calls(store: Store, rules: Path) -> None:
    await stored(store, "call-1")
    await stored(store, "call-2", text="배송이 언제 와요")
    await again(store, "reanalyze-1", "call-1", "call-2", rules=rules)
    found = Comparison()
    async for pair in pairs(store, "previous", "reanalyze-1", tenant=None):
        found.add(pair)
    assert found.both == 2
    assert found.changed["topics"] == ["call-1", "call-2"]
    assert found.changed["words"] == []
    assert found.changed["outcome"] == []


async def test_a_single_rubric_scores_again_and_diff_tells_so(store: Store, tmp_path: Path) -> None:
    rubric = tmp_path / "mine.yaml"
    rubric.write_text(
        "kind: rubric\nversion: own-2\nitems:\n  - {id: one, block: b, title: {ko: 가}, points: 100,"
        " checks: [{metric: acts.thanks, at_least: [1]}]}\n",
        encoding="utf-8",
    )
    await stored(store)
    (document,) = await again(store, "reanalyze-1", "call-1", rules=rubric)
    assert document.provenance.versions["rubric"] == "own-2"
    assert document.scorecard is not None
    assert [item.id for item in document.scorecard.items] == ["one"]
    found = Comparison()
    async for pair in pairs(store, "previous", "reanalyze-1", tenant=None):
        found.add(pair)
    assert found.changed["score card"] == ["call-1"]
    assert found.changed["outcome"] == []


def test_a_single_table_that_is_wrong_is_told_before_any_call(tmp_path: Path) -> None:
    wrong = tmp_path / "rubric.yaml"
    wrong.write_text("version: own\nitems: []\n", encoding="utf-8")
    with pytest.raises(Poison, match=r"rubric.yaml:2:8: .*the points are 0 in all"):
        Reanalysis(cast("Store", None), run_id="x", rules=wrong)


async def test_the_same_rules_give_the_same_document(store: Store) -> None:
    await stored(store)
    (first,) = await again(store, "reanalyze-1", "call-1")
    (second,) = await again(store, "reanalyze-2", "call-1")
    own = {"run_id": first.run_id, "revision": first.revision}
    assert second.model_copy(update=own) == first
    assert second.revision == first.revision + 1


async def test_the_parts_are_those_of_the_newest_run_that_has_both(store: Store) -> None:
    await stored(store)
    newer = {"run_id": "2", "revision": 2}
    await store.assemble(
        a_transcribed(text="새로 받아 적은 말").model_copy(update={"language": "ko", **newer})
    )
    (with_old,) = await again(store, "reanalyze-1", "call-1")
    assert with_old.turns[0].text == SAID
    await store.assemble(a_diarized().model_copy(update=newer))
    (with_new,) = await again(store, "reanalyze-2", "call-1")
    assert with_new.turns[0].text == "새로 받아 적은 말"


async def test_a_call_whose_parts_are_gone_is_told_of_and_left_alone(store: Store) -> None:
    await store.assemble(a_failed_part("call-3"))
    found = [r async for r in Reanalysis(store, run_id="x").run([("default", "call-3")])]
    assert [(r.key[1], r.document) for r in found] == [("call-3", None)]
    assert await store.find("call-3") is None


async def test_calls_are_chosen_by_the_time_they_came_in(store: Store) -> None:
    await stored(store)
    assert await store.assemblies.arrived(since_ms=0) == [("default", "call-1")]
    assert await store.assemblies.arrived(until_ms=1) == []
    assert await store.assemblies.arrived(since_ms=0, call_ids=["call-9"]) == []
    assert await store.assemblies.arrived(since_ms=0, tenant="acme") == []


async def test_the_command_does_it_and_names_its_run(
    store: Store, settings: Settings, rules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stored(store)
    monkeypatch.setenv("CALLYTICS_MONGO_URL", settings.mongo_url.get_secret_value())
    monkeypatch.setenv("CALLYTICS_MONGO_DATABASE", settings.mongo_database)
    arguments = ["reanalyze", "--since", "1h", "--rules", str(rules), "--json"]
    result = await asyncio.to_thread(CliRunner().invoke, app, arguments)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["calls"], told["without_parts"]) == (1, 0)
    assert told["run_id"].startswith("reanalyze-")
    document = await store.find("call-1")
    assert document is not None
    assert document.run_id == told["run_id"]


def test_the_command_wants_to_know_which_calls() -> None:
    assert CliRunner().invoke(app, ["reanalyze"]).exit_code == 2
