"""Health over HTTP: ``/healthz`` (alive), ``/readyz`` (may take calls), ``/metrics`` (Prometheus).

Served from a thread of its own: an event loop that is stuck must not be able to say that it is well, nor keep
the answer from coming. Liveness is the age of the loop's last turn only; a broker or store that is away makes a
service not ready, never dead.
"""

import socket
import threading
import time
from collections.abc import Callable

import psutil
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra import metrics

STUCK_AFTER_S = 60.0


class Health:
    """What a service knows of its own state; written by its loop, read by the server's thread."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last_tick_s = clock()
        self._ready: dict[str, bool] = {"engine": False, "assignment": False, "breaker": True}
        self.engine_pid: Callable[[], int | None] = lambda: None

    def tick(self) -> None:
        """The loop has turned."""
        self._last_tick_s = self._clock()

    def set_ready(self, part: str, *, ready: bool) -> None:
        """Say whether one precondition for taking calls holds."""
        self._ready = {**self._ready, part: ready}

    @property
    def age_s(self) -> float:
        """Seconds since the loop last turned."""
        return self._clock() - self._last_tick_s

    @property
    def alive(self) -> bool:
        """Whether the loop turned lately."""
        return self.age_s < STUCK_AFTER_S

    @property
    def parts(self) -> dict[str, bool]:
        """Every precondition and whether it holds."""
        return dict(self._ready)


class HealthServer:
    """Serves one Health on a thread until it is closed."""

    def __init__(self, health: Health, *, stage: str, host: str, port: int) -> None:
        self._health = health
        self._stage = stage
        self._socket = socket.create_server((host, port))
        config = uvicorn.Config(self._application(), log_config=None, access_log=False, lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True, name="health"
        )

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._socket.getsockname()[1])

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.should_exit = True
        self._thread.join(timeout=5)
        self._socket.close()

    def _application(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/healthz", self._healthz),
                Route("/readyz", self._readyz),
                Route("/metrics", self._metrics),
            ]
        )

    async def _healthz(self, _: Request) -> Response:
        alive = self._health.alive
        return JSONResponse({"alive": alive}, status_code=200 if alive else 503)

    async def _readyz(self, _: Request) -> Response:
        parts = self._health.parts
        ready = all(parts.values())
        return JSONResponse({"ready": ready, "parts": parts}, status_code=200 if ready else 503)

    async def _metrics(self, _: Request) -> Response:
        metrics.ENGINE_MEMORY.labels(self._stage).set(_resident_bytes(self._health.engine_pid()))
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _resident_bytes(pid: int | None) -> int:
    """Memory of a process; none when it is not there, which it may cease to be at any moment."""
    try:
        return int(psutil.Process(pid).memory_info().rss) if pid is not None else 0
    except psutil.NoSuchProcess:
        return 0
