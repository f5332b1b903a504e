"""Documents, stage results and replays in the document store, and what happens when it is away."""

import asyncio
from datetime import timedelta
from itertools import permutations

import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from prometheus_client import REGISTRY
from pydantic import SecretStr

from infra.errors import ErrorCode, Fatal, Unavailable
from infra.settings import Settings
from infra.stack import EmbeddedStack
from infra.store import (
    Newest,
    Replay,
    ReplayState,
    Selection,
    Store,
)
from schemas.records import (
    DocumentStatus,
)
from tests.integration.store_records import (
    a_document,
    a_transcribed,
)

pytestmark = pytest.mark.integration


async def test_a_document_comes_back_as_it_was_saved(store: Store) -> None:
    assert await store.find("call-1") is None
    await store.save(a_document())
    assert await store.find("call-1") == a_document()
    assert await store.find("call-1", tenant="default") == a_document()
    assert await store.find("call-1", tenant="acme") is None


async def test_saving_again_replaces_and_does_not_add(store: Store) -> None:
    await store.save(a_document())
    await store.save(a_document(analysis="2"))
    assert await store.find("call-1") == a_document(analysis="2")
    assert await store.count("calls", {}) == await store.count("call_revisions", {}) == 1


async def test_an_older_revision_never_replaces_a_newer_one(store: Store) -> None:
    """It is kept as a past run, and counted."""
    stale_before = REGISTRY.get_sample_value("callytics_documents_stale_total") or 0.0
    await store.save(a_document(revision=2))
    await store.save(a_document(revision=1))
    assert await store.find("call-1") == a_document(revision=2)
    assert await store.count("calls", {}) == 1
    assert await store.count("call_revisions", {"call_id": "call-1"}) == 2
    assert REGISTRY.get_sample_value("callytics_documents_stale_total") == stale_before + 1


async def test_a_newer_revision_replaces_an_older_one_and_both_runs_are_kept(store: Store) -> None:
    await store.save(a_document(revision=1))
    await store.save(a_document(revision=2))
    assert await store.find("call-1") == a_document(revision=2)
    assert await store.count("calls", {}) == 1
    assert await store.count("call_revisions", {}) == 2


STATUSES = (DocumentStatus.FAILED, DocumentStatus.PARTIAL, DocumentStatus.COMPLETE)


@pytest.mark.parametrize("order", list(permutations(STATUSES)))
async def test_within_a_revision_the_highest_status_stays_in_whatever_order_they_come(
    store: Store, order: tuple[DocumentStatus, ...]
) -> None:
    for status in order:
        await store.save(a_document(status=status))
    assert await store.find("call-1") == a_document()
    assert await store.count("call_revisions", {"status": DocumentStatus.COMPLETE}) == 1
    assert await store.count("call_revisions", {}) == 1


async def test_a_failed_document_of_a_newer_revision_replaces_a_complete_one(store: Store) -> None:
    """Revisions come first: what a replay found is what is known now, and the past run is kept."""
    await store.save(a_document(revision=1))
    await store.save(a_document(revision=2, status=DocumentStatus.FAILED))
    assert await store.find("call-1") == a_document(revision=2, status=DocumentStatus.FAILED)
    assert await store.count("call_revisions", {}) == 2


async def test_of_statuses_saved_at_once_by_two_members_the_highest_stays(settings: Settings) -> None:
    first, second = Store(settings), Store(settings)
    await first.prepare()
    calls = [f"call-{number}" for number in range(40)]
    for call_id in calls:
        await asyncio.gather(
            *(
                (first, second)[number % 2].save(a_document(call_id, status=status))
                for number, status in enumerate(STATUSES)
            )
        )
    for collection in ("calls", "call_revisions"):
        assert await first.count(collection, {"status": DocumentStatus.COMPLETE}) == len(calls)
        assert await first.count(collection, {}) == len(calls)
    first.close()
    second.close()


async def test_newest_revisions_and_statuses_are_told_for_many_calls_of_several_tenants(store: Store) -> None:
    """More than one query's worth of keys."""
    await asyncio.gather(*(store.save(a_document(f"call-{n}", revision=1 + n % 2)) for n in range(520)))
    keys = [("default", f"call-{n}") for n in range(600)] + [("acme", "call-1")]
    newest, statuses = await store.documents.newest(keys), await store.documents.statuses(keys)
    assert set(newest) == set(statuses) == set(keys[:520])
    assert newest["default", "call-7"] == Newest(run_id="2", revision=2, duration_ms=None)
    assert set(statuses.values()) == {"complete"}


async def test_the_documents_of_a_run_and_the_ones_before_them_are_found(store: Store) -> None:
    for revision, run_id in ((1, "1"), (2, "replay-a"), (3, "replay-b")):
        await store.save(a_document("x", revision=revision, run_id=run_id))
    await store.save(a_document("y", revision=2, run_id="replay-a"))
    assert await store.documents.calls_of("replay-a") == {("default", "x"), ("default", "y")}
    (bodies,) = [some async for some in store.documents.revisions("replay-a")]
    assert [(body["call_id"], body["revision"]) for body in bodies] == [("x", 2), ("y", 2)]
    assert [some async for some in store.documents.revisions("replay-a", tenant="acme")] == []
    (newest,) = await store.documents.of_run("replay-b", [("default", "x")])
    before = await store.documents.previous(newest)
    assert before is not None
    assert before["run_id"] == "replay-a"
    assert await store.documents.previous(bodies[1]) is None


async def test_a_stage_result_comes_back_and_the_second_of_a_key_replaces_the_first(store: Store) -> None:
    assert await store.results.get("key") is None
    await asyncio.gather(
        *(store.results.put("key", b"answer", lifetime=timedelta(hours=1)) for _ in range(5))
    )
    assert await store.results.get("key") == b"answer"
    assert await store.count("stage_results", {}) == 1


async def test_a_replay_that_was_cancelled_takes_no_more_changes(store: Store) -> None:
    """So the command that runs it learns of it at its next step, and cannot undo it."""
    replay = Replay(id="replay-1", selection=Selection(until_ms=5), created_at_ms=7)
    await store.replays.create(replay)
    assert await store.replays.get("replay-1") == replay
    assert await store.replays.unfinished() == [replay]
    moved = await store.replays.update("replay-1", state=ReplayState.RUNNING, published=3)
    assert moved == replay.model_copy(update={"state": ReplayState.RUNNING, "published": 3})
    await store.replays.update("replay-1", state=ReplayState.CANCELLED)
    assert await store.replays.update("replay-1", state=ReplayState.RUNNING) is None
    assert await store.replays.unfinished() == []
    (found,) = await store.replays.newest()
    assert found.state is ReplayState.CANCELLED


async def test_a_stale_document_does_not_keep_the_others_of_its_batch_from_being_written(
    store: Store,
) -> None:
    await store.save(a_document("call-0", revision=5))
    await asyncio.gather(
        store.save(a_document("call-0", revision=4)),
        *(store.save(a_document(f"call-{n}")) for n in range(1, 9)),
    )
    assert await store.count("calls", {}) == 9
    assert await store.find("call-0") == a_document("call-0", revision=5)


async def test_many_documents_saved_at_once_are_all_there_when_save_returns(store: Store) -> None:
    """More than two batches, each call once."""
    await asyncio.gather(*(store.save(a_document(f"call-{number}")) for number in range(150)))
    assert await store.count("calls", {}) == 150
    assert await store.count("call_revisions", {}) == 150


async def test_of_revisions_saved_at_once_by_two_members_the_highest_stays(settings: Settings) -> None:
    """Both members may find no document and insert: the one that loses that race may be the newer one."""
    first, second = Store(settings), Store(settings)
    await first.prepare()
    calls = [f"call-{number}" for number in range(40)]
    for call_id in calls:
        await asyncio.gather(
            first.save(a_document(call_id, revision=1)), second.save(a_document(call_id, revision=2))
        )
    assert await first.count("calls", {"revision": 2}) == len(calls)
    assert await first.count("call_revisions", {}) == 2 * len(calls)
    first.close()
    second.close()


async def test_a_caller_that_is_cancelled_does_not_take_the_others_with_it(store: Store) -> None:
    """Documents are written in one batch, but each caller has its own fate."""
    saves = [asyncio.create_task(store.save(a_document(f"call-{number}"))) for number in range(5)]
    await asyncio.sleep(0)
    saves[0].cancel()
    results = await asyncio.wait_for(asyncio.gather(*saves, return_exceptions=True), 30)
    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1:] == [None] * 4
    await store.save(a_document("after"))
    assert await store.find("after") == a_document("after")


async def test_the_indexes_are_made_once_however_often_a_service_starts(
    store: Store, settings: Settings
) -> None:
    await store.prepare()
    client: AsyncIOMotorClient[dict[str, object]] = AsyncIOMotorClient(settings.mongo_url.get_secret_value())
    database = client[settings.mongo_database]
    found = {
        name: [
            (tuple(field for field, _ in index["key"]), bool(index.get("unique")))
            for index in (await database[name].index_information()).values()
        ]
        for name in ("assemblies", "calls", "call_revisions", "stage_results")
    }
    expiry = (await database["assemblies"].index_information())["expires_at_1"]["expireAfterSeconds"]
    client.close()
    assert sorted(found["assemblies"]) == [
        (("_id",), False),
        (("expires_at",), False),
        (("tenant", "call_id", "run_id"), True),
    ]
    assert sorted(found["calls"]) == [
        (("_id",), False),
        (("call.started_at_ms",), False),
        (("status",), False),
        (("tenant", "call_id"), True),
    ]
    assert sorted(found["call_revisions"]) == [
        (("_id",), False),
        (("run_id",), False),
        (("tenant", "call_id", "run_id"), True),
    ]
    assert sorted(found["stage_results"]) == [(("_id",), False), (("expires_at",), False)]
    assert expiry == 0


async def test_a_store_that_is_away_is_unavailable_and_names_no_address() -> None:
    """Every method says so, and starting says Fatal, unless the service can do without its store."""
    with EmbeddedStack() as stack:
        settings = Settings(mongo_url=SecretStr(stack.addresses.mongo_url), mongo_database="away")
        store = Store(settings, timeout_ms=500)
        await store.prepare()
        await store.ping()
    try:
        for work in (
            store.ping(),
            store.assemble(a_transcribed()),
            store.save(a_document()),
            store.find("call-1"),
            store.count("calls", {}),
            store.documents.newest([("default", "call-1")]),
            store.assemblies.find(("default", "call-1"), "1"),
            store.results.get("key"),
            store.results.put("key", b"answer", lifetime=timedelta(hours=1)),
            store.replays.get("replay-1"),
        ):
            with pytest.raises(Unavailable) as caught:
                await work
            assert caught.value.code is ErrorCode.TRANSIENT
            assert "mongodb://" not in caught.value.message
        with pytest.raises(Fatal, match="CALLYTICS_MONGO_URL"):
            await store.prepare()
        optional = Store(settings, timeout_ms=500, is_essential=False)
        await optional.prepare()
        optional.close()
    finally:
        store.close()
