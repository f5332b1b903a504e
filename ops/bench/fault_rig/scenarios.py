"""The faults, each with what must come of it: for the tests with a few calls, for the benchmark with many."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import psutil

from infra.bus.connection import make_producer
from infra.real_stack import RealStack
from ops.bench.fault_rig.points import KILL_AT, POINTS
from ops.bench.fault_rig.rig import FaultRig, Outcome, numbered
from schemas.topics import CALLS_ENDED, STAGES

_PASSAGES = {"mid_commit": 1}
"""A few calls make few commits; at every other point a service dies at its fifth passage."""
_USUAL_PASSAGES = 5
_DEATH_S = 90.0
_STORE_FAULTS = ("update", "findAndModify", "insert")
"""Not ``find``, which the oracle uses too."""
_NOT_PRIMARY = 10107


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where a fault strikes: the rig, its servers, and how long what is stopped stays away."""

    rig: FaultRig
    stack: RealStack
    pause_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A fault: what is done while calls are in flight, and how they must have ended."""

    name: str
    strike: Callable[[Stage], None] = lambda _: None
    arm: Callable[[Stage], None] = lambda _: None
    """What is prepared before the first call."""
    kind: str = "call"
    status: str = "complete"
    letters: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(stage, error code) to the dead letters of each call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A scenario's outcome and how long its calls took after the fault was over."""

    outcome: Outcome
    recovery_s: Sequence[float]


def run(scenario: Scenario, stage: Stage, *, calls: int, within_s: float = 120.0) -> Result:
    """Publish half of the calls, strike, publish the rest, wait for every call's document.

    TimeoutError when some call has none in time.
    """
    rig = stage.rig
    run_id = f"{scenario.name}-{time.time_ns() // 1_000_000 % 1_000_000}"
    ids = [numbered(run_id, number) for number in range(calls)]
    scenario.arm(stage)
    rig.publish(ids[: calls // 2], kind=scenario.kind)
    scenario.strike(stage)
    over_ms = time.time_ns() // 1_000_000
    rig.publish(ids[calls // 2 :], kind=scenario.kind)
    rig.await_documents(ids, status=scenario.status, within_s=within_s)
    outcome = rig.outcome(ids)
    late = [ms - over_ms for ms in outcome.analyzed_ms.values() if ms > over_ms]
    return Result(outcome=outcome, recovery_s=sorted(ms / 1000 for ms in late))


def _armed(point: str, stage: Stage) -> None:
    for name in STAGES:
        stage.rig.pipeline.terminate(name)
        stage.rig.pipeline.start(name, {KILL_AT: f"{point}:{_PASSAGES.get(point, _USUAL_PASSAGES)}"})


def _revive(stage: Stage) -> None:
    """Every armed service dies at its point, analysis only when the others are back and feed it."""
    for names in (STAGES[:2], STAGES[2:]):
        stage.rig.await_true(
            partial(_have_ended, stage.rig, names), within_s=_DEATH_S, what=lambda: "the services to die"
        )
        stage.rig.restart(*names)


def _have_ended(rig: FaultRig, names: Sequence[str]) -> bool:
    return all(rig.pipeline.exit_code(name) is not None for name in names)


def _drained_to_death(stage: Stage) -> None:
    for name in STAGES:
        stage.rig.pipeline.terminate(name)
        stage.rig.restart(name)


def _armed_for_drain(stage: Stage) -> None:
    for name in STAGES:
        stage.rig.pipeline.terminate(name)
        stage.rig.pipeline.start(name, {KILL_AT: "mid_drain:1"})


def _terminate_all(stage: Stage) -> None:
    for name in STAGES:
        code = stage.rig.pipeline.terminate(name)
        if code != 0:
            raise AssertionError(f"{name} ended with {code} on SIGTERM")
        stage.rig.restart(name)


def _away(server: str, stage: Stage) -> None:
    stage.stack.stop(server)
    time.sleep(stage.pause_s)
    stage.stack.start(server)


def _killed(server: str, stage: Stage) -> None:
    stage.stack.kill(server)
    stage.stack.start(server)


def _store_fails(stage: Stage) -> None:
    point = {"failCommands": list(_STORE_FAULTS), "errorCode": _NOT_PRIMARY}
    with stage.rig.mongo() as client:
        client.admin.command("configureFailPoint", "failCommand", mode={"times": 20}, data=point)


def _members_come_and_go(stage: Stage) -> None:
    """One more transcriber joins, stays two seconds and leaves, again and again."""
    deadline = time.monotonic() + 3 * stage.pause_s
    while time.monotonic() < deadline:
        process = stage.rig.pipeline.spawn(STAGES[0])
        time.sleep(2)
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _engines_killed(stage: Stage) -> None:
    for pid in stage.rig.pipeline.pids.values():
        for child in psutil.Process(pid).children(recursive=True):
            if "spawn_main" in " ".join(child.cmdline()):
                os.kill(child.pid, signal.SIGKILL)


def send_garbage(stage: Stage) -> None:
    """Ten records that are no event, under the key ``garbage``."""

    async def send() -> None:
        async with make_producer(stage.rig.settings) as producer:
            for number in range(10):
                await producer.send_and_wait(CALLS_ENDED.name, b"\x00\xffgarbage%d" % number, key=b"garbage")

    asyncio.run(send())


_KILLS = tuple(
    Scenario(name=f"kill-{point}".replace("_", "-"), arm=partial(_armed, point), strike=_revive)
    for point in POINTS
    if point != "mid_drain"
)
_BOTH = ("transcription", "diarization")

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(name="none"),
    *_KILLS,
    Scenario(name="kill-mid-drain", arm=_armed_for_drain, strike=_drained_to_death),
    Scenario(name="sigterm", strike=_terminate_all),
    Scenario(name="broker-away", strike=partial(_away, "broker")),
    Scenario(name="broker-killed", strike=partial(_killed, "broker")),
    Scenario(name="store-away", strike=partial(_away, "store")),
    Scenario(name="store-killed", strike=partial(_killed, "store")),
    Scenario(name="store-fails", strike=_store_fails),
    Scenario(name="registry-away", strike=partial(_away, "registry")),
    Scenario(name="members-come-and-go", strike=_members_come_and_go),
    Scenario(name="engines-killed", strike=_engines_killed),
    Scenario(name="garbage", strike=send_garbage),
    Scenario(name="flaky", kind="flaky"),
    Scenario(
        name="missing",
        kind="missing",
        status="failed",
        letters={(stage, "input_missing"): 1 for stage in _BOTH},
    ),
)
CRASHING = Scenario(
    name="crash", kind="crash", status="failed", letters={(stage, "engine_crash"): 1 for stage in _BOTH}
)
"""Apart, since each call costs four starts of an engine."""
