"""Where records go that cannot be answered: every one is kept, none blocks the others for ever."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from infra.bus.connection import make_admin
from ops.bench.fault_rig.rig import FaultRig, numbered
from ops.bench.fault_rig.scenarios import Stage, send_garbage
from schemas.topics import CALLS_ENDED, DEAD_LETTERS

pytestmark = [pytest.mark.real, pytest.mark.fault, pytest.mark.timeout(240)]


def test_undecodable_bytes_become_one_dead_letter_for_each_stage_that_reads_them(stage: Stage) -> None:
    before = len(stage.rig.letters(["garbage"]))
    send_garbage(stage)
    stage.rig.await_true(lambda: len(stage.rig.letters(["garbage"])) >= before + 20, within_s=60)
    letters = stage.rig.letters(["garbage"])
    assert len(letters) == before + 20
    assert {dict(record.headers)["x-error-code"] for _, record in letters} == {b"decode"}
    assert {dict(record.headers)["x-original-topic"] for _, record in letters} == {CALLS_ENDED.name.encode()}


def test_a_dead_letter_that_the_broker_refuses_blocks_and_is_not_dropped(rig: FaultRig) -> None:
    """Calls beside it go on; when there is room again the letter arrives and the call ends as it must."""
    refused, fine = [numbered("refused", 0)], [numbered("beside", number) for number in range(20)]
    with _letters_of_at_most(rig, 1):
        rig.publish(refused, kind="missing")
        rig.publish(fine)
        rig.await_documents([*fine, *refused])
        assert rig.letters(refused) == []
    rig.await_true(lambda: len(rig.letters(refused)) == 2, within_s=60, what=lambda: "the refused letters")
    assert rig.statuses(fine) == {"complete": 20}


@contextmanager
def _letters_of_at_most(rig: FaultRig, size: int) -> Iterator[None]:
    asyncio.run(_limit(rig, size))
    try:
        yield
    finally:
        asyncio.run(_limit(rig, DEAD_LETTERS[0].max_message_bytes))


async def _limit(rig: FaultRig, size: int) -> None:
    admin = make_admin(rig.settings)
    await admin.start()
    try:
        await admin.alter_configs(
            [
                ConfigResource(ConfigResourceType.TOPIC, topic.name, {"max.message.bytes": str(size)})
                for topic in DEAD_LETTERS
            ]
        )
    finally:
        await admin.close()


def test_the_breaker_makes_the_service_not_ready_and_closes_when_calls_succeed_again(
    rig: FaultRig, unused_tcp_port: int
) -> None:
    """Of many failing calls few are buried while it is open; all end, and so do the good ones behind them."""
    strict = {
        "CALLYTICS_BREAKER_CONSECUTIVE": "3",
        "CALLYTICS_BREAKER_PAUSE_S": "2",
        "CALLYTICS_HEALTH_PORT": str(unused_tcp_port),
    }
    rig.pipeline.terminate("transcription")
    rig.pipeline.start("transcription", strict)
    bad, good = [numbered("bad", n) for n in range(6)], [numbered("good", n) for n in range(6)]
    rig.publish(bad, kind="missing")
    rig.await_true(lambda: _parts(unused_tcp_port).get("breaker") is False, within_s=60)
    rig.publish(good)
    rig.await_true(lambda: _parts(unused_tcp_port).get("breaker") is True, within_s=90)
    rig.await_documents([*bad, *good])
    assert rig.statuses(good) == {"complete": 6}
    assert rig.statuses(bad) == {"failed": 6}
    rig.pipeline.terminate("transcription")
    rig.restart("transcription")


def _parts(port: int) -> dict[str, bool]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as response:
            body = response.read()
    except urllib.error.HTTPError as error:
        body = error.read()
    except OSError:
        return {}
    parts: dict[str, bool] = json.loads(body)["parts"]
    return parts
