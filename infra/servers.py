"""Server processes that a stack owns: started, asked whether they answer, ended, started again in their place.

The servers have their own sessions, so Ctrl-C reaches their owner only, which may then stop them in order. When
the owner is killed, a small process beside each ends it: see ``infra.stack_keeper``.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psutil
import structlog

from infra.errors import ErrorCode, Fatal

HOST = "127.0.0.1"

Ports = tuple[int, ...]

_ATTEMPTS = 4
_LOOK_S = 0.05

_log = structlog.get_logger()


def _nothing(_ports: Ports, _folder: Path) -> None:
    """There is nothing to write before this program starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """How to start a server on some ports, the first of which its clients use, and how to tell that it answers."""

    name: str
    command: Callable[[Ports], list[str]]
    answers: Callable[[Ports], bool]
    port_count: int = 1
    prepare: Callable[[Ports, Path], None] = _nothing
    """Writes what the program reads into the stack's folder; called again for other ports."""
    environment: Callable[[Ports], Mapping[str, str]] = lambda _: {}


@dataclass(slots=True, kw_only=True)
class _Server:
    program: Program
    ports: Ports
    process: subprocess.Popen[bytes]
    keeper: subprocess.Popen[bytes]
    log: Path
    is_wanted: bool = True
    """False once it was ended on purpose."""


@dataclass(slots=True, kw_only=True)
class _Running:
    """What a started stack has to give back."""

    directory: Path
    is_temporary: bool
    servers: dict[str, _Server] = field(default_factory=dict)


class ServerStack:
    """A set of servers on free ports of 127.0.0.1, started and stopped together or, for faults, one by one.

    ``data_dir`` keeps the servers' files and logs; by default a temporary one that ``stop`` removes. Several stacks
    can run side by side, each with a folder of its own.
    """

    def __init__(
        self,
        programs: Callable[[], Sequence[Program]],
        *,
        data_dir: Path | None = None,
        start_s: float = 30.0,
        stop_s: float = 10.0,
    ) -> None:
        self._programs = programs
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
    def directory(self) -> Path:
        """Where data and logs lie. Fatal when the stack does not run."""
        return self._running().directory

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by server. Fatal when the stack does not run."""
        return {name: server.process.pid for name, server in self._running().servers.items()}

    def ports(self, name: str) -> Ports:
        """The ports of a server. Fatal when the stack does not run."""
        return self._running().servers[name].ports

    def log(self, name: str) -> Path:
        """The file that a server logs to. Fatal when the stack does not run."""
        return self._running().servers[name].log

    def check(self) -> None:
        """Fatal, with the log to read, when a server has ended by itself."""
        for server in self._running().servers.values():
            if server.is_wanted and server.process.poll() is not None:
                raise _ended(server)

    def start(self, name: str | None = None) -> None:
        """Start all servers, or again the named one in its old place, and wait until they answer.

        Fatal when a server is missing or does not answer.
        """
        if name is None:
            self._start_all()
        else:
            self._start_again(name)

    def stop(self, name: str | None = None) -> None:
        """End all servers, or the named one, by SIGTERM and after a while by SIGKILL.

        A stack that does not run stays so. One that was stopped as a whole starts on other ports.
        """
        if name is not None:
            self._stop_one(name, patience_s=self._stop_s)
            return
        stack, self._stack = self._stack, None
        if stack is None:
            return
        for server in stack.servers.values():
            server.process.terminate()
        for server in stack.servers.values():
            _end(server, self._stop_s)
        if stack.is_temporary:
            shutil.rmtree(stack.directory, ignore_errors=True)

    def kill(self, name: str) -> None:
        """End the named server at once, as ``kill -9`` does."""
        self._stop_one(name, patience_s=0.0)

    def _running(self) -> _Running:
        if self._stack is None:
            raise Fatal(ErrorCode.BUG, "the stack of servers does not run: start it first")
        return self._stack

    def _start_all(self) -> None:
        if self._stack is not None:
            raise Fatal(ErrorCode.BUG, "the stack of servers runs already: stop it before starting it again")
        programs = self._programs()
        directory = self._given_dir or Path(tempfile.mkdtemp(prefix="callytics-"))
        directory.mkdir(parents=True, exist_ok=True)
        self._stack = _Running(directory=directory.resolve(), is_temporary=self._given_dir is None)
        deadline = time.monotonic() + self._start_s
        try:
            # Together: while one loads, another waits for the disk.
            for program in programs:
                self._stack.servers[program.name] = _spawn(program, self._stack)
            for program in programs:
                self._settle(program, deadline)
        except BaseException:
            self.stop()
            raise
        _log.info("servers_started", directory=str(self._stack.directory), servers=list(self._stack.servers))

    def _settle(self, program: Program, deadline: float) -> None:
        """Wait for a server; one that ends at once has probably lost its port, so it gets another one."""
        stack = self._running()
        for attempt in range(1, _ATTEMPTS + 1):
            server = stack.servers[program.name]
            if _await_answer(server, deadline):
                return
            _end(server, self._stop_s)
            _log.warning("server_ended", server=program.name, attempt=attempt, ports=server.ports)
            if attempt < _ATTEMPTS:
                stack.servers[program.name] = _spawn(program, stack)
        raise _ended(server)

    def _start_again(self, name: str) -> None:
        stack = self._running()
        before = stack.servers[name]
        if before.is_wanted:
            raise Fatal(ErrorCode.BUG, f"the {name} runs already: stop or kill it before starting it again")
        server = _launch(before.program, before.ports, stack)
        stack.servers[name] = server
        if not _await_answer(server, time.monotonic() + self._start_s):
            raise _ended(server)

    def _stop_one(self, name: str, *, patience_s: float) -> None:
        server = self._running().servers[name]
        server.is_wanted = False
        _end(server, patience_s)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _spawn(program: Program, stack: _Running) -> _Server:
    ports = tuple(free_port() for _ in range(program.port_count))
    program.prepare(ports, stack.directory)
    return _launch(program, ports, stack)


def _launch(program: Program, ports: Ports, stack: _Running) -> _Server:
    log = stack.directory / f"{program.name}.log"
    command, environment = program.command(ports), {**os.environ, **program.environment(ports)}
    with log.open("ab") as output:
        process = _detached(command, stack.directory, output, environment)
    return _Server(
        program=program, ports=ports, process=process, keeper=_keeper(process, stack, environment), log=log
    )


def _detached(
    command: list[str], directory: Path, output: IO[bytes] | int, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 -- programs of our own choice, no shell
        command,
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _keeper(
    server: subprocess.Popen[bytes], stack: _Running, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    script = Path(__file__).with_name("stack_keeper.py")
    folder = str(stack.directory) if stack.is_temporary else ""
    command = [sys.executable, "-I", "-S", str(script), str(os.getpid()), folder, str(server.pid)]
    return _detached(command, stack.directory, subprocess.DEVNULL, environment)


def _await_answer(server: _Server, deadline: float) -> bool:
    """True when the server answers, False when it has ended; Fatal when neither happens in time."""
    name, ports = server.program.name, server.ports
    while server.process.poll() is None:
        if _listens(server) and server.program.answers(ports):
            return True
        if time.monotonic() > deadline:
            message = f"the {name} does not answer on port {ports[0]}; read {server.log}"
            raise Fatal(ErrorCode.TIMEOUT, message)
        time.sleep(_LOOK_S)
    return False


def _listens(server: _Server) -> bool:
    """Whether it is this very server that has the port: another one that took it would answer as well."""
    try:
        sockets = psutil.Process(server.process.pid).net_connections("tcp")
    except psutil.NoSuchProcess:
        return False
    return any(s.status == psutil.CONN_LISTEN and s.laddr.port == server.ports[0] for s in sockets)


def _end(server: _Server, patience_s: float) -> None:
    process, keeper = server.process, server.keeper
    if process.poll() is None and patience_s:
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
    name, code = server.program.name, server.process.returncode
    return Fatal(
        ErrorCode.RESOURCE, f"the {name} has ended by itself with exit code {code}; read {server.log}"
    )
