"""The broker's configuration that ``ops/compose/secrets.sh`` writes, run by Apache Kafka without a container."""

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from infra.bus.admin import create_topics
from infra.errors import Fatal
from infra.maven import distributions
from infra.real_stack import RealStack, kafka_broker
from infra.servers import HOST, Ports, ServerStack
from infra.settings import INSTALLATION, Settings, default_cache

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compose")
    script = folder / "secrets.sh"
    script.write_text((INSTALLATION / "ops/compose/secrets.sh").read_text(encoding="utf-8"), encoding="utf-8")
    subprocess.run(["bash", str(script)], check=True, capture_output=True)
    return folder / "secrets"


@pytest.fixture(scope="module")
def compose_broker(real_stack: RealStack, secrets: Path) -> Iterator[ServerStack]:
    """``real_stack`` is asked for since it skips where Java is missing."""
    real_stack.check()

    def properties(ports: Ports) -> dict[str, str]:
        text = (secrets / "server.properties").read_text(encoding="utf-8")
        text = text.replace("/run/secrets", str(secrets)).replace("/var/lib/kafka/data", "kafka")
        text = text.replace("kafka:9092", f"{HOST}:{ports[0]}").replace("CLIENT://:", f"CLIENT://{HOST}:")
        text = text.replace(":9092", f":{ports[0]}").replace(":9093", f":{ports[1]}")
        return dict(line.split("=", 1) for line in text.splitlines())

    def answers(ports: Ports) -> bool:
        client = AdminClient(
            {
                "bootstrap.servers": f"{HOST}:{ports[0]}",
                "security.protocol": "SASL_SSL",
                "sasl.mechanism": "PLAIN",
                "sasl.username": "admin",
                "sasl.password": _password(secrets, "admin"),
                "ssl.ca.location": str(secrets / "authority.pem"),
                "log_level": 0,
            }
        )
        try:
            return bool(client.list_topics(timeout=2).brokers)
        except KafkaException:
            return False

    program = kafka_broker(distributions(default_cache() / "servers"), properties=properties)
    with ServerStack(lambda: [replace(program, answers=answers)], start_s=120) as stack:
        yield stack


def _password(secrets: Path, user: str) -> str:
    return (secrets / f"kafka_{user}").read_text(encoding="utf-8").strip()


def _settings(broker: ServerStack, secrets: Path, user: str) -> Settings:
    return Settings.model_validate(
        {
            "kafka_bootstrap": f"{HOST}:{broker.ports('broker')[0]}",
            "kafka_security_protocol": "SASL_SSL",
            "kafka_sasl_mechanism": "PLAIN",
            "kafka_username": user,
            "kafka_password": _password(secrets, user),
            "kafka_ca_file": secrets / "authority.pem",
        }
    )


async def test_the_admin_makes_the_topics_and_a_service_may_not(
    compose_broker: ServerStack, secrets: Path
) -> None:
    assert all((await create_topics(_settings(compose_broker, secrets, "admin"))).values())
    with pytest.raises(Fatal, match="AuthorizationFailed"):
        await create_topics(_settings(compose_broker, secrets, "transcription"))
