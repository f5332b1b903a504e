"""The servers of a real installation on this machine, without a container: for proofs, faults and benchmarks.

Apache Kafka in KRaft mode and the Apicurio schema registry from Maven artifacts, and the document store of the
``embedded`` extra, which speaks MongoDB's protocol over MongoDB's storage engine. All listen on 127.0.0.1 without
authentication: for synthetic calls, never for production.
"""

import base64
import secrets
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path

from infra.errors import ErrorCode, Fatal
from infra.maven import Distributions, distributions
from infra.servers import HOST, Ports, Program, ServerStack
from infra.settings import default_cache
from infra.stack import StackAddresses, document_store, kafka_answers, kafka_bootstrap, mongo_url

_ANSWER_S = 2.0
_FORMAT_S = 60.0
_PROPERTIES = "server.properties"
_DATA = "kafka"
_HEAP = "-Xmx512m"
_QUICK_START = "-XX:TieredStopAtLevel=1"
"""Compiles once: for programs whose start takes more than their work."""


class RealStack(ServerStack):
    """Apache Kafka, the durable store and a schema registry: servers ``broker``, ``store`` and ``registry``.

    ``cache_dir`` keeps the fetched programs; ``test_commands`` lets the store's commands fail on order
    (``configureFailPoint``). A server that was stopped or killed comes back with its port and its data.
    """

    def __init__(
        self,
        data_dir: Path | None = None,
        *,
        cache_dir: Path | None = None,
        test_commands: bool = False,
        start_s: float = 120.0,
        stop_s: float = 20.0,
    ) -> None:
        cache = (cache_dir or default_cache()) / "servers"
        options = ("--enable-test-commands",) if test_commands else ()

        def programs() -> Sequence[Program]:
            store = document_store(*options)
            found = distributions(cache)
            return kafka_broker(found), store, schema_registry(found)

        super().__init__(programs, data_dir=data_dir, start_s=start_s, stop_s=stop_s)

    @property
    def addresses(self) -> StackAddresses:
        """Where the servers listen. Fatal when the stack does not run."""
        return StackAddresses(
            kafka_bootstrap=kafka_bootstrap(self.ports("broker")),
            mongo_url=mongo_url(self.ports("store")),
            registry_url=registry_url(self.ports("registry")),
            idempotence=True,
        )


def plain_properties(ports: Ports) -> dict[str, str]:
    """The configuration of one node that is broker and controller, on two ports, for anyone on this machine."""
    client, controller = (f"{HOST}:{port}" for port in ports[:2])
    alone = {
        f"{topic}.{setting}": "1"
        for topic in ("transaction.state.log", "share.coordinator.state.topic")
        for setting in ("replication.factor", "min.isr", "num.partitions")
    }
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "listeners": f"PLAINTEXT://{client},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{client}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        # A quorum that is configured, not stored, lets kept data start again on other ports.
        "controller.quorum.voters": f"1@{controller}",
        "log.dirs": _DATA,
        **alone,
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "8",
        "group.initial.rebalance.delay.ms": "0",
        "auto.create.topics.enable": "false",
        "log.cleaner.dedupe.buffer.size": "33554432",
        # A killed broker is let in again when its old session has ended: by default after nine seconds.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
    }


def kafka_broker(
    found: Distributions,
    *,
    properties: Callable[[Ports], Mapping[str, str]] = plain_properties,
    format_options: Sequence[str] = (),
    port_count: int = 2,
) -> Program:
    """Apache Kafka. ``properties`` is its whole configuration; ``format_options`` go to the storage tool."""
    java = [found.java, "-cp", str(found.kafka / "*")]

    def prepare(ports: Ports, folder: Path) -> None:
        lines = [f"{name}={value}\n" for name, value in properties(ports).items()]
        (folder / _PROPERTIES).write_text("".join(lines), encoding="utf-8")
        if not (folder / _DATA / "meta.properties").exists():
            tool = ["kafka.tools.StorageTool", "format", "--cluster-id", _cluster_id()]
            _format(
                [java[0], _QUICK_START, *java[1:], *tool, "--config", _PROPERTIES, *format_options], folder
            )

    def command(_ports: Ports) -> list[str]:
        level = "-Dorg.apache.logging.log4j.level=WARN"
        return [java[0], _HEAP, level, *java[1:], "kafka.Kafka", _PROPERTIES]

    return Program(
        name="broker", command=command, answers=kafka_answers, port_count=port_count, prepare=prepare
    )


def schema_registry(found: Distributions) -> Program:
    """Apicurio, which keeps its schemas in a file of the stack's folder."""
    jar = next(found.registry.glob("apicurio-registry-app-*-runner.jar"))

    def environment(ports: Ports) -> dict[str, str]:
        return {
            "QUARKUS_HTTP_HOST": HOST,
            "QUARKUS_HTTP_PORT": str(ports[0]),
            "APICURIO_STORAGE_KIND": "sql",
            "APICURIO_STORAGE_SQL_KIND": "h2",
            # Without the delay H2 would write half a second after it has answered: lost by kill -9.
            "APICURIO_DATASOURCE_URL": "jdbc:h2:file:./registry;WRITE_DELAY=0",
        }

    return Program(
        name="registry",
        command=lambda _: [found.java, _HEAP, _QUICK_START, "-jar", str(jar)],
        answers=_registry_answers,
        environment=environment,
    )


def registry_url(ports: Ports) -> str:
    """The address of the Confluent-compatible interface."""
    return f"http://{HOST}:{ports[0]}/apis/ccompat/v7"


def _registry_answers(ports: Ports) -> bool:
    url = f"http://{HOST}:{ports[0]}/health/ready"
    try:
        with urllib.request.urlopen(url, timeout=_ANSWER_S) as response:
            return bool(response.status == HTTPStatus.OK)
    except (urllib.error.URLError, OSError):
        return False


def _cluster_id() -> str:
    """A random UUID as Kafka writes one: 16 bytes in URL-safe base64, which must not begin like an option."""
    text = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
    return f"A{text[1:]}"


def _format(command: list[str], folder: Path) -> None:
    log = folder / "format.log"
    with log.open("ab") as output:
        code = subprocess.run(  # noqa: S603 -- a program of our own choice, no shell
            command, cwd=folder, stdout=output, stderr=output, timeout=_FORMAT_S, check=False
        ).returncode
    if code != 0:
        raise Fatal(ErrorCode.RESOURCE, f"the broker's storage cannot be made (exit code {code}); read {log}")
