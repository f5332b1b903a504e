"""``callytics qa compare`` takes the score cards of the calls that people rated from the store."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.settings import Settings
from infra.store import Store
from ops.cli.main import app
from schemas.document import CallDocument, Provenance
from schemas.records import DocumentStatus
from schemas.scorecard import ScoreCard
from tests.integration.store_records import a_transcribed

pytestmark = pytest.mark.integration


async def stored(store: Store, call_id: str, total: float) -> None:
    """A call that came in, with its score card."""
    await store.assemble(a_transcribed(call_id))
    card = ScoreCard(total=total, automatic_points=95, human_points=5, rubric="1")
    made = Provenance(analysis="2", speakers_from="channels")
    await store.save(
        CallDocument(
            call_id=call_id, run_id="1", status=DocumentStatus.COMPLETE, scorecard=card, provenance=made
        )
    )


async def test_the_stores_cards_of_rated_calls_are_compared(
    store: Store, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        await stored(store, f"call-{number}", 50.0 + number)
    rated = [f"call-{number},{48 + number}" for number in range(11)]
    human = tmp_path / "reviews.csv"
    human.write_text("\n".join(["call_id,total", *rated]), encoding="utf-8")
    monkeypatch.setenv("CALLYTICS_MONGO_URL", settings.mongo_url.get_secret_value())
    monkeypatch.setenv("CALLYTICS_MONGO_DATABASE", settings.mongo_database)
    arguments = ["qa", "compare", "--human", str(human), "--since", "1h", "--json"]
    result = await asyncio.to_thread(CliRunner().invoke, app, arguments)
    assert result.exit_code == 0, result.output
    totals = json.loads(result.stdout)["totals"]
    assert (totals["n"], totals["left_out"], totals["bias"]) == (11, 0, 2)
