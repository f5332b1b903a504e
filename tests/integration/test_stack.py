"""The embedded stack against its real servers."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from motor.motor_asyncio import AsyncIOMotorClient

import infra.servers
from infra.errors import ErrorCode, Fatal
from infra.settings import Settings
from infra.stack import EmbeddedStack, StackAddresses

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def stack() -> Iterator[EmbeddedStack]:
    with EmbeddedStack() as running:
        yield running


async def _roundtrip_broker(addresses: StackAddresses, topic: str) -> bytes | None:
    producer = AIOKafkaProducer(bootstrap_servers=addresses.kafka_bootstrap, enable_idempotence=False)
    async with producer:
        await producer.send_and_wait(topic, "통화".encode(), key=b"call-1")
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=addresses.kafka_bootstrap, auto_offset_reset="earliest"
    )
    async with consumer:
        record = await consumer.getone()
    return bytes(record.value)


async def _count_after_insert(addresses: StackAddresses, call_id: str) -> int:
    client: AsyncIOMotorClient[dict[str, object]] = AsyncIOMotorClient(addresses.mongo_url)
    try:
        calls = client["stack_test"]["calls"]
        await calls.insert_one({"call_id": call_id})
        return int(await calls.count_documents({}))
    finally:
        client.close()


async def test_a_message_and_a_document_come_back(stack: EmbeddedStack) -> None:
    assert await _roundtrip_broker(stack.addresses, "calls") == "통화".encode()
    assert await _count_after_insert(stack.addresses, "call-1") == 1


async def test_two_stacks_run_side_by_side_and_share_nothing(stack: EmbeddedStack) -> None:
    with EmbeddedStack() as other:
        assert other.addresses != stack.addresses
        assert await _roundtrip_broker(other.addresses, "other") == "통화".encode()
        assert await _count_after_insert(other.addresses, "call-2") == 1
    stack.check()


def test_the_environment_is_what_the_settings_read(
    stack: EmbeddedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in stack.addresses.environment().items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.kafka_bootstrap == stack.addresses.kafka_bootstrap
    assert settings.mongo_url.get_secret_value() == stack.addresses.mongo_url
    assert settings.kafka_idempotence is False


def test_stop_leaves_no_process_and_no_temporary_folder() -> None:
    stack = EmbeddedStack()
    stack.start()
    pids, directory = list(stack.pids.values()), stack.directory
    keepers = _children_running("stack_keeper.py", str(directory))
    stack.stop()
    stack.stop()
    assert len(keepers) == 2
    assert not any(_is_alive(pid) for pid in [*pids, *keepers])
    assert not directory.exists()


async def test_a_given_folder_keeps_the_documents_and_the_logs(tmp_path: Path) -> None:
    with EmbeddedStack(tmp_path) as first:
        assert await _count_after_insert(first.addresses, "call-1") == 1
    with EmbeddedStack(tmp_path) as second:
        assert await _count_after_insert(second.addresses, "call-2") == 2
    assert (tmp_path / "broker.log").stat().st_size
    assert (tmp_path / "store.log").stat().st_size


def test_servers_end_when_their_owner_is_killed() -> None:
    script = """
        import sys
        from infra.stack import EmbeddedStack
        stack = EmbeddedStack()
        stack.start()
        print(*stack.pids.values(), stack.directory, flush=True)
        sys.stdin.read()
    """
    owner = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(infra.servers.__file__).parent.parent,
    )
    with owner:
        assert owner.stdout is not None
        # The log goes to standard output, too.
        said = next(line for line in owner.stdout if line[0].isdigit() and "[" not in line)
        broker, store, directory = said.split()
        owner.send_signal(signal.SIGKILL)
    _await(lambda: not _is_alive(int(broker)) and not _is_alive(int(store)))
    _await(lambda: not Path(directory).exists())


def test_a_server_that_ended_by_itself_is_told_with_its_log() -> None:
    with EmbeddedStack() as stack:
        os.kill(stack.pids["broker"], signal.SIGKILL)
        _await(lambda: _told(stack) is not None)
        told = _told(stack)
    assert told is not None
    assert "broker.log" in told.message


def test_a_taken_port_is_replaced_by_another(monkeypatch: pytest.MonkeyPatch, stack: EmbeddedStack) -> None:
    taken = int(stack.addresses.kafka_bootstrap.rpartition(":")[2])
    real = infra.servers.free_port
    ports = iter([taken])
    monkeypatch.setattr(infra.servers, "free_port", lambda: next(ports, None) or real())
    with EmbeddedStack() as other:
        assert other.addresses.kafka_bootstrap != stack.addresses.kafka_bootstrap
    stack.check()


async def test_a_store_that_was_killed_comes_back_in_its_place_with_its_documents() -> None:
    with EmbeddedStack() as stack:
        before = stack.addresses
        assert await _count_after_insert(before, "call-1") == 1
        stack.kill("store")
        stack.check()
        stack.start("store")
        assert stack.addresses == before
        assert await _count_after_insert(stack.addresses, "call-2") == 2


def test_a_server_that_runs_is_not_started_a_second_time(stack: EmbeddedStack) -> None:
    with pytest.raises(Fatal, match="runs already"):
        stack.start("store")
    stack.check()


def test_missing_servers_are_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(Fatal, match=r"callytics\[embedded\]") as caught:
        EmbeddedStack().start()
    assert caught.value.code is ErrorCode.RESOURCE


def _told(stack: EmbeddedStack) -> Fatal | None:
    try:
        stack.check()
    except Fatal as error:
        return error
    return None


def _children_running(*words: str) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (process / "cmdline").read_bytes().decode()
            if all(word in command for word in words):
                found.append(int(process.name))
    return found


def _is_alive(pid: int) -> bool:
    """Whether the process runs; one that nobody has waited for yet (a zombie) does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _await(holds: Callable[[], bool], *, within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)
