"""The real servers: what is written survives them, and the embedded ones answer alike."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from aiokafka.admin import NewTopic
from aiokafka.structs import ConsumerRecord
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import OperationFailure

from infra.bus.admin import create_topics
from infra.bus.connection import make_admin, make_consumer, make_producer
from infra.real_stack import RealStack
from infra.servers import ServerStack
from infra.settings import INSTALLATION, ConsumerSettings
from infra.stack import EmbeddedStack

pytestmark = pytest.mark.real

CALLS = 50
HEADERS = [("x-attempt", b"2"), ("traceparent", b"00-aa-bb-01")]


@pytest.fixture(scope="module")
def embedded_stack() -> Iterator[EmbeddedStack]:
    with EmbeddedStack() as stack:
        yield stack


@pytest.fixture(params=["embedded_stack", "real_stack"])
def settings(request: pytest.FixtureRequest) -> ConsumerSettings:
    return _settings(request.getfixturevalue(request.param))


def _settings(stack: EmbeddedStack | RealStack) -> ConsumerSettings:
    # The embedded broker lets a group wait for half the session time-out before its first assignment.
    return ConsumerSettings.model_validate({**stack.addresses.settings(), "session_timeout_ms": 6_000})


async def _make_topic(settings: ConsumerSettings, topic: str) -> None:
    admin = make_admin(settings)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, 1, 1)])
    finally:
        await admin.close()


async def _publish(settings: ConsumerSettings, topic: str) -> None:
    async with make_producer(settings) as producer:
        sent = [
            await producer.send(topic, key=f"call-{number}".encode(), value="통화".encode(), headers=HEADERS)
            for number in range(CALLS)
        ]
        await asyncio.gather(*sent)


async def _consume(settings: ConsumerSettings, topic: str) -> list[ConsumerRecord[bytes, bytes]]:
    consumer = make_consumer(settings, group=f"{topic}-readers")
    consumer.subscribe([topic])
    async with consumer:
        found = [await consumer.getone() for _ in range(CALLS)]
        await consumer.commit()
    return found


async def test_topics_are_made_once(settings: ConsumerSettings) -> None:
    await create_topics(settings)
    again = await create_topics(settings)
    assert again
    assert not any(again.values())


async def test_records_come_back_in_order_with_key_value_and_headers(settings: ConsumerSettings) -> None:
    await _make_topic(settings, "calls-in-order")
    await _publish(settings, "calls-in-order")
    found = await _consume(settings, "calls-in-order")
    assert [record.key for record in found] == [f"call-{number}".encode() for number in range(CALLS)]
    assert {record.value for record in found} == {"통화".encode()}
    assert [list(record.headers) for record in found] == [HEADERS] * CALLS


async def test_a_killed_broker_comes_back_in_its_place_with_every_confirmed_record(
    real_stack: RealStack,
) -> None:
    settings = _settings(real_stack)
    assert settings.kafka_idempotence
    await _make_topic(settings, "calls-that-survive")
    await _publish(settings, "calls-that-survive")
    _restart_killed(real_stack, "broker")
    assert _settings(real_stack) == settings
    assert len(await _consume(settings, "calls-that-survive")) == CALLS


async def test_a_killed_store_comes_back_in_its_place_with_every_confirmed_document(
    real_stack: RealStack,
) -> None:
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(real_stack.addresses.mongo_url)
    try:
        calls = client["real_servers_test"]["calls"]
        await calls.insert_many([{"call_id": f"call-{number}"} for number in range(CALLS)])
        _restart_killed(real_stack, "store")
        assert await calls.count_documents({}) == CALLS
    finally:
        client.close()


def test_a_killed_registry_comes_back_in_its_place_with_its_schemas(real_stack: RealStack) -> None:
    url = f"{real_stack.addresses.registry_url}/subjects/real-servers-test-value/versions"
    body = json.dumps({"schema": '{"type": "string"}'}).encode()
    assert _ask(url, body)["id"]
    _restart_killed(real_stack, "registry")
    assert _ask(url) == [1]


async def test_the_stores_commands_fail_on_order(real_stack: RealStack) -> None:
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(real_stack.addresses.mongo_url)
    try:
        data = {"failCommands": ["insert"], "errorCode": 96}
        await client.admin.command({"configureFailPoint": "failCommand", "mode": {"times": 1}, "data": data})
        calls = client["real_servers_test"].get_collection("ordered")
        with pytest.raises(OperationFailure) as caught:
            await client["real_servers_test"].command("insert", "ordered", documents=[{"call_id": "call-1"}])
        assert caught.value.code == 96
        await calls.insert_one({"call_id": "call-1"})
        assert await calls.count_documents({}) == 1
    finally:
        client.close()


def test_up_real_tells_where_the_servers_are_and_stops_them(real_stack: RealStack) -> None:
    """``real_stack`` is asked for only so that this test is skipped where it cannot run."""
    assert real_stack.addresses.idempotence
    command = [sys.executable, "-m", "ops.cli.main", "up", "--real"]
    with subprocess.Popen(command, cwd=INSTALLATION, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        said = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines)
        subjects = _ask(said["CALLYTICS_REGISTRY_URL"].strip("'") + "/subjects")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
    assert "calls.ended-value" in subjects
    assert set(said) == {
        "CALLYTICS_KAFKA_BOOTSTRAP",
        "CALLYTICS_KAFKA_IDEMPOTENCE",
        "CALLYTICS_MONGO_URL",
        "CALLYTICS_REGISTRY_URL",
    }
    assert said["CALLYTICS_KAFKA_IDEMPOTENCE"] == "'true'"


def _ask(url: str, body: bytes | None = None) -> Any:
    head = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
    request = urllib.request.Request(url, body, head)  # noqa: S310 -- the registry of this test
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 -- the same
        return json.load(answer)


def _restart_killed(stack: ServerStack, name: str) -> None:
    before = stack.pids[name]
    stack.kill(name)
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)
    stack.check()
    stack.start(name)
    assert stack.pids[name] != before
