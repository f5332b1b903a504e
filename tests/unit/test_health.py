"""Health over real HTTP: what a probe and a scraper see."""

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from infra.health import STUCK_AFTER_S, Health, HealthServer

STAGE = "health-test"


class Clock:
    """A clock that stands until the test moves it."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock: Clock) -> Health:
    return Health(clock=clock)


@pytest.fixture
def server(health: Health) -> Iterator[HealthServer]:
    server = HealthServer(health, stage=STAGE, host="127.0.0.1", port=0)
    server.start()
    yield server
    server.close()


def _get(server: HealthServer, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def _engine_memory(server: HealthServer) -> float:
    _, text = _get(server, "/metrics")
    sample = f'callytics_engine_memory_bytes{{stage="{STAGE}"}} '
    (value,) = [line.removeprefix(sample) for line in text.splitlines() if line.startswith(sample)]
    return float(value)


def test_a_service_is_ready_when_all_its_parts_are(server: HealthServer, health: Health) -> None:
    status, body = _get(server, "/readyz")
    assert status == 503
    assert json.loads(body) == {
        "ready": False,
        "parts": {"engine": False, "assignment": False, "breaker": True},
    }
    health.set_ready("engine", ready=True)
    assert _get(server, "/readyz")[0] == 503
    health.set_ready("assignment", ready=True)
    status, body = _get(server, "/readyz")
    assert (status, json.loads(body)["ready"]) == (200, True)
    health.set_ready("engine", ready=False)
    assert _get(server, "/readyz")[0] == 503


def test_a_service_that_is_not_ready_is_alive(server: HealthServer) -> None:
    """Otherwise a broker that is away would have every service started again and again."""
    assert _get(server, "/readyz")[0] == 503
    assert _get(server, "/healthz") == (200, '{"alive":true}')


def test_a_loop_that_does_not_turn_is_not_alive(server: HealthServer, health: Health, clock: Clock) -> None:
    clock.now_s += STUCK_AFTER_S - 1
    assert _get(server, "/healthz")[0] == 200
    clock.now_s += 1
    assert _get(server, "/healthz") == (503, '{"alive":false}')
    health.tick()
    assert _get(server, "/healthz")[0] == 200


async def test_it_answers_while_the_event_loop_is_stuck(server: HealthServer, clock: Clock) -> None:
    """A blocking request from inside the loop: only a server on a thread of its own can answer it."""
    clock.now_s += STUCK_AFTER_S
    assert _get(server, "/healthz")[0] == 503


def test_metrics_are_in_the_text_format_with_the_engines_memory(server: HealthServer, health: Health) -> None:
    health.engine_pid = os.getpid
    status, text = _get(server, "/metrics")
    assert status == 200
    assert "# TYPE callytics_calls_total counter" in text
    assert _engine_memory(server) > 1024 * 1024


def test_an_engine_that_has_ended_takes_no_memory(server: HealthServer, health: Health) -> None:
    """The scrape must neither fail nor go on to show what the dead process had."""
    health.engine_pid = os.getpid
    assert _engine_memory(server) > 0
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    health.engine_pid = lambda: ended.pid
    assert _engine_memory(server) == 0
    health.engine_pid = lambda: None
    assert _engine_memory(server) == 0


def test_the_port_is_free_again_after_closing(health: Health) -> None:
    first = HealthServer(health, stage=STAGE, host="127.0.0.1", port=0)
    first.start()
    assert _get(first, "/healthz")[0] == 200
    port = first.port
    first.close()
    second = HealthServer(health, stage=STAGE, host="127.0.0.1", port=port)
    second.start()
    assert _get(second, "/healthz")[0] == 200
    second.close()
