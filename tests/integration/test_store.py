"""The document store against a real server: joins, revisions and what happens when it is away."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from prometheus_client import REGISTRY
from pydantic import SecretStr

from infra.errors import ErrorCode, Fatal, Unavailable
from infra.settings import Settings
from infra.stack import EmbeddedStack
from infra.store import ASSEMBLY_LIFETIME, Store
from schemas.document import CallDocument, Provenance
from schemas.records import (
    Call,
    CallDiarized,
    CallTranscribed,
    DocumentStatus,
    Recording,
    SpeakerSegment,
    StageStatus,
    TranscriptSegment,
)

pytestmark = pytest.mark.integration

CALL = Call(recording=Recording(uri="file:///srv/a.wav"))


@pytest.fixture(scope="module")
def stack() -> Iterator[EmbeddedStack]:
    with EmbeddedStack() as running:
        yield running


def _settings(stack: EmbeddedStack, database: str) -> Settings:
    return Settings(mongo_url=SecretStr(stack.addresses.mongo_url), mongo_database=database)


@pytest.fixture
def settings(stack: EmbeddedStack, request: pytest.FixtureRequest) -> Settings:
    """Each test has a database of its own."""
    return _settings(stack, f"t{abs(hash(request.node.name)):x}"[:30])


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    store = Store(settings)
    await store.prepare()
    yield store
    store.close()


def _transcribed(call_id: str = "call-1", *, run_id: str = "1", text: str = "안녕하세요") -> CallTranscribed:
    return CallTranscribed(
        event_id="t",
        call_id=call_id,
        run_id=run_id,
        produced_at_ms=1,
        call=CALL,
        status=StageStatus.OK,
        segments=(TranscriptSegment(channel=0, start_ms=0, end_ms=900, text=text),),
    )


def _diarized(call_id: str = "call-1", *, run_id: str = "1", tenant: str = "default") -> CallDiarized:
    return CallDiarized(
        event_id="d",
        call_id=call_id,
        tenant=tenant,
        run_id=run_id,
        produced_at_ms=2,
        call=CALL,
        status=StageStatus.OK,
        segments=(SpeakerSegment(speaker="A", start_ms=0, end_ms=900),),
    )


def _document(
    call_id: str = "call-1", *, revision: int = 1, run_id: str | None = None, analysis: str = "1"
) -> CallDocument:
    return CallDocument(
        call_id=call_id,
        run_id=run_id or str(revision),
        revision=revision,
        status=DocumentStatus.COMPLETE,
        provenance=Provenance(analysis=analysis, speakers_from="none"),
    )


async def test_the_later_part_sees_both_whichever_comes_first(store: Store) -> None:
    first = await store.assemble(_transcribed("a"))
    assert (first.transcribed, first.diarized) == (_transcribed("a"), None)
    second = await store.assemble(_diarized("a"))
    assert (second.transcribed, second.diarized) == (_transcribed("a"), _diarized("a"))

    first = await store.assemble(_diarized("b"))
    assert (first.transcribed, first.diarized) == (None, _diarized("b"))
    second = await store.assemble(_transcribed("b"))
    assert (second.transcribed, second.diarized) == (_transcribed("b"), _diarized("b"))


async def test_of_parts_that_come_at_the_same_moment_at_least_one_sees_both(store: Store) -> None:
    """Else a call would wait for ever: nobody would analyse it."""

    async def both(call_id: str) -> list[bool]:
        seen = await asyncio.gather(store.assemble(_transcribed(call_id)), store.assemble(_diarized(call_id)))
        return [assembly.transcribed is not None and assembly.diarized is not None for assembly in seen]

    outcomes = await asyncio.gather(*(both(f"call-{number}") for number in range(20)))
    assert all(any(outcome) for outcome in outcomes)
    assert await store.count("assemblies", {}) == 20


async def test_a_part_that_comes_again_changes_nothing(store: Store) -> None:
    await store.assemble(_transcribed())
    both = await store.assemble(_diarized())
    assert await store.assemble(_transcribed()) == both
    assert await store.assemble(_diarized()) == both
    assert await store.count("assemblies", {}) == 1


async def test_runs_and_tenants_are_joined_apart(store: Store) -> None:
    await store.assemble(_transcribed(run_id="1"))
    assert (await store.assemble(_diarized(run_id="2"))).transcribed is None
    assert (await store.assemble(_diarized(tenant="acme"))).transcribed is None
    assert await store.count("assemblies", {}) == 3


async def test_an_assembly_expires_after_its_lifetime_counted_from_its_first_part(
    store: Store, settings: Settings
) -> None:
    before = datetime.now(UTC)
    await store.assemble(_transcribed())
    client: AsyncIOMotorClient[dict[str, datetime]] = AsyncIOMotorClient(
        settings.mongo_url.get_secret_value(), tz_aware=True
    )
    assemblies = client[settings.mongo_database]["assemblies"]
    made = await assemblies.find_one({})
    await store.assemble(_diarized())
    later = await assemblies.find_one({})
    client.close()
    assert made is not None
    assert later is not None
    assert abs((made["expires_at"] - before - ASSEMBLY_LIFETIME).total_seconds()) < 60
    assert later["expires_at"] == made["expires_at"]


async def test_a_document_comes_back_as_it_was_saved(store: Store) -> None:
    assert await store.find("call-1") is None
    await store.save(_document())
    assert await store.find("call-1") == _document()
    assert await store.find("call-1", tenant="default") == _document()
    assert await store.find("call-1", tenant="acme") is None


async def test_saving_again_replaces_and_does_not_add(store: Store) -> None:
    await store.save(_document())
    await store.save(_document(analysis="2"))
    assert await store.find("call-1") == _document(analysis="2")
    assert await store.count("calls", {}) == await store.count("call_revisions", {}) == 1


async def test_an_older_revision_never_replaces_a_newer_one(store: Store) -> None:
    """It is kept as a past run, and counted."""
    stale_before = REGISTRY.get_sample_value("callytics_documents_stale_total") or 0.0
    await store.save(_document(revision=2))
    await store.save(_document(revision=1))
    assert await store.find("call-1") == _document(revision=2)
    assert await store.count("calls", {}) == 1
    assert await store.count("call_revisions", {"call_id": "call-1"}) == 2
    assert REGISTRY.get_sample_value("callytics_documents_stale_total") == stale_before + 1


async def test_a_newer_revision_replaces_an_older_one_and_both_runs_are_kept(store: Store) -> None:
    await store.save(_document(revision=1))
    await store.save(_document(revision=2))
    assert await store.find("call-1") == _document(revision=2)
    assert await store.count("calls", {}) == 1
    assert await store.count("call_revisions", {}) == 2


async def test_a_stale_document_does_not_keep_the_others_of_its_batch_from_being_written(
    store: Store,
) -> None:
    await store.save(_document("call-0", revision=5))
    await asyncio.gather(
        store.save(_document("call-0", revision=4)),
        *(store.save(_document(f"call-{n}")) for n in range(1, 9)),
    )
    assert await store.count("calls", {}) == 9
    assert await store.find("call-0") == _document("call-0", revision=5)


async def test_many_documents_saved_at_once_are_all_there_when_save_returns(store: Store) -> None:
    """More than two batches, each call once."""
    await asyncio.gather(*(store.save(_document(f"call-{number}")) for number in range(150)))
    assert await store.count("calls", {}) == 150
    assert await store.count("call_revisions", {}) == 150


async def test_of_revisions_saved_at_once_by_two_members_the_highest_stays(settings: Settings) -> None:
    """Both members may find no document and insert: the one that loses that race may be the newer one."""
    first, second = Store(settings), Store(settings)
    await first.prepare()
    calls = [f"call-{number}" for number in range(40)]
    for call_id in calls:
        await asyncio.gather(
            first.save(_document(call_id, revision=1)), second.save(_document(call_id, revision=2))
        )
    assert await first.count("calls", {"revision": 2}) == len(calls)
    assert await first.count("call_revisions", {}) == 2 * len(calls)
    first.close()
    second.close()


async def test_a_caller_that_is_cancelled_does_not_take_the_others_with_it(store: Store) -> None:
    """Documents are written in one batch, but each caller has its own fate."""
    saves = [asyncio.create_task(store.save(_document(f"call-{number}"))) for number in range(5)]
    await asyncio.sleep(0)
    saves[0].cancel()
    results = await asyncio.wait_for(asyncio.gather(*saves, return_exceptions=True), 30)
    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1:] == [None] * 4
    await store.save(_document("after"))
    assert await store.find("after") == _document("after")


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
        for name in ("assemblies", "calls", "call_revisions")
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
    assert sorted(found["call_revisions"]) == [(("_id",), False), (("tenant", "call_id", "run_id"), True)]
    assert expiry == 0


async def test_a_store_that_is_away_is_unavailable_and_names_no_address() -> None:
    """Every method says so, and starting says Fatal: a service cannot begin without its store."""
    with EmbeddedStack() as stack:
        store = Store(_settings(stack, "away"), timeout_ms=500)
        await store.prepare()
        await store.ping()
    try:
        for work in (
            store.ping(),
            store.assemble(_transcribed()),
            store.save(_document()),
            store.find("call-1"),
            store.count("calls", {}),
        ):
            with pytest.raises(Unavailable) as caught:
                await work
            assert caught.value.code is ErrorCode.TRANSIENT
            assert "mongodb://" not in caught.value.message
        with pytest.raises(Fatal, match="CALLYTICS_MONGO_URL"):
            await store.prepare()
    finally:
        store.close()
