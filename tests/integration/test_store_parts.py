"""Parts of calls in the document store: joined in whatever order they come, and never for the worse."""

import asyncio
from datetime import UTC, datetime

import pytest
from motor.motor_asyncio import AsyncIOMotorClient

from infra.settings import Settings
from infra.store import (
    ASSEMBLY_LIFETIME,
    Assembly,
    Store,
)
from tests.integration.store_records import (
    a_diarized,
    a_failed_part,
    a_transcribed,
)

pytestmark = pytest.mark.integration


async def test_the_later_part_sees_both_whichever_comes_first(store: Store) -> None:
    first = await store.assemble(a_transcribed("a"))
    assert (first.transcribed, first.diarized) == (a_transcribed("a"), None)
    second = await store.assemble(a_diarized("a"))
    assert (second.transcribed, second.diarized) == (a_transcribed("a"), a_diarized("a"))

    first = await store.assemble(a_diarized("b"))
    assert (first.transcribed, first.diarized) == (None, a_diarized("b"))
    second = await store.assemble(a_transcribed("b"))
    assert (second.transcribed, second.diarized) == (a_transcribed("b"), a_diarized("b"))


async def test_of_parts_that_come_at_the_same_moment_at_least_one_sees_both(store: Store) -> None:
    """Else a call would wait for ever: nobody would analyse it."""

    async def both(call_id: str) -> list[bool]:
        seen = await asyncio.gather(
            store.assemble(a_transcribed(call_id)), store.assemble(a_diarized(call_id))
        )
        return [assembly.transcribed is not None and assembly.diarized is not None for assembly in seen]

    outcomes = await asyncio.gather(*(both(f"call-{number}") for number in range(20)))
    assert all(any(outcome) for outcome in outcomes)
    assert await store.count("assemblies", {}) == 20


async def test_a_part_that_comes_again_changes_nothing(store: Store) -> None:
    await store.assemble(a_transcribed())
    both = await store.assemble(a_diarized())
    assert await store.assemble(a_transcribed()) == both
    assert await store.assemble(a_diarized()) == both
    assert await store.count("assemblies", {}) == 1


async def test_runs_and_tenants_are_joined_apart(store: Store) -> None:
    await store.assemble(a_transcribed(run_id="1"))
    assert (await store.assemble(a_diarized(run_id="2"))).transcribed is None
    assert (await store.assemble(a_diarized(tenant="acme"))).transcribed is None
    assert await store.count("assemblies", {}) == 3


async def test_a_failed_part_never_replaces_a_good_one_but_a_good_one_replaces_a_failed_one(
    store: Store,
) -> None:
    """A call that was given up and redriven stays done, in whatever order both answers come."""
    assert (await store.assemble(a_failed_part("a"))).transcribed == a_failed_part("a")
    assert (await store.assemble(a_transcribed("a"))).transcribed == a_transcribed("a")
    assert (await store.assemble(a_failed_part("a"))).transcribed == a_transcribed("a")
    assert await store.assemblies.find(("default", "a"), "1") == Assembly(
        transcribed=a_transcribed("a"), diarized=None
    )
    assert (await store.assemble(a_diarized("a"))).transcribed == a_transcribed("a")


async def test_of_a_failed_and_a_good_part_that_race_the_good_one_stays(settings: Settings) -> None:
    """Two members, both orders, while the other part comes as well."""
    first, second = Store(settings), Store(settings)
    await first.prepare()
    calls = [f"call-{number}" for number in range(40)]
    for number, call_id in enumerate(calls):
        good, bad = (first, second) if number % 2 else (second, first)
        await asyncio.gather(
            bad.assemble(a_failed_part(call_id)),
            good.assemble(a_transcribed(call_id)),
            first.assemble(a_diarized(call_id)),
        )
    for call_id in calls:
        assert await first.assemblies.find(("default", call_id), "1") == Assembly(
            transcribed=a_transcribed(call_id), diarized=a_diarized(call_id)
        )
    first.close()
    second.close()


async def test_a_failed_part_of_another_run_stands_beside_the_good_one(store: Store) -> None:
    await store.assemble(a_transcribed(run_id="1"))
    assert (await store.assemble(a_failed_part(run_id="2"))).transcribed == a_failed_part(run_id="2")


async def test_the_parts_that_calls_have_are_told_without_reading_them(store: Store) -> None:
    await store.assemble(a_transcribed("a"))
    await store.assemble(a_diarized("b"))
    await store.assemble(a_failed_part("b"))
    keys = [("default", "a"), ("default", "b"), ("default", "none"), ("acme", "a")]
    assert await store.assemblies.parts(keys) == {
        ("default", "a"): {"transcribed"},
        ("default", "b"): {"transcribed", "diarized"},
    }


async def test_an_assembly_expires_after_its_lifetime_counted_from_its_first_part(
    store: Store, settings: Settings
) -> None:
    before = datetime.now(UTC)
    await store.assemble(a_transcribed())
    client: AsyncIOMotorClient[dict[str, datetime]] = AsyncIOMotorClient(
        settings.mongo_url.get_secret_value(), tz_aware=True
    )
    assemblies = client[settings.mongo_database]["assemblies"]
    made = await assemblies.find_one({})
    await store.assemble(a_diarized())
    later = await assemblies.find_one({})
    client.close()
    assert made is not None
    assert later is not None
    assert abs((made["expires_at"] - before - ASSEMBLY_LIFETIME).total_seconds()) < 60
    assert later["expires_at"] == made["expires_at"]
