"""TLS, SASL and topic ACLs against Apache Kafka, through the settings that an operator would set."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, TopicAuthorizationFailedError
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from infra.bus.admin import create_topics
from infra.bus.connection import make_consumer, make_producer
from infra.errors import Fatal
from infra.maven import distributions
from infra.real_stack import RealStack, kafka_broker, plain_properties
from infra.servers import HOST, Ports, ServerStack
from infra.settings import ConsumerSettings, default_cache
from infra.stack import kafka_bootstrap
from tests.real.certificates import Certificates, make_certificates

pytestmark = pytest.mark.real

TOPIC = "calls-of-trusted-services"
_JAAS = "org.apache.kafka.common.security"
_KAFKA_USERS = {"PLAIN": "plain-user", "SCRAM-SHA-256": "scram-user"}
_TOPICS = {"plain-user": TOPIC, "scram-user": TOPIC, "stranger": "anything-else"}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def secure_broker(real_stack: RealStack, certificates: Certificates) -> Iterator[ServerStack]:
    """A broker with a second listener; ``real_stack`` is asked for since it skips where Java is missing."""
    real_stack.check()

    def properties(ports: Ports) -> dict[str, str]:
        return _secure_properties(ports, certificates)

    def programs() -> list[Any]:
        found = distributions(default_cache() / "servers")
        scram = ["--add-scram", "SCRAM-SHA-256=[name=scram-user,password=right]"]
        return [kafka_broker(found, properties=properties, format_options=scram, port_count=3)]

    with ServerStack(programs, start_s=120) as stack:
        _allow(kafka_bootstrap(stack.ports("broker")))
        yield stack


def _secure_properties(ports: Ports, certificates: Certificates) -> dict[str, str]:
    plain = plain_properties(ports)
    secure = f"SECURE://{HOST}:{ports[2]}"
    users = "".join(f' user_{name}="right"' for name in ("plain-user", "stranger"))
    return {
        **plain,
        "listeners": f"{plain['listeners']},{secure}",
        "advertised.listeners": f"{plain['advertised.listeners']},{secure}",
        "listener.security.protocol.map": f"{plain['listener.security.protocol.map']},SECURE:SASL_SSL",
        "listener.name.secure.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256",
        "listener.name.secure.plain.sasl.jaas.config": f"{_JAAS}.plain.PlainLoginModule required{users};",
        "listener.name.secure.scram-sha-256.sasl.jaas.config": f"{_JAAS}.scram.ScramLoginModule required;",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(certificates.server),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(certificates.authority),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
    }


def _allow(bootstrap: str) -> None:
    """Make the topics and let each user write and read its own, as a group of its own."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    rules = [
        AclBinding(
            kind, name, ResourcePatternType.LITERAL, f"User:{user}", "*", operation, AclPermissionType.ALLOW
        )
        for user, topic in _TOPICS.items()
        for kind, name, operation in (
            (ResourceType.TOPIC, topic, AclOperation.WRITE),
            (ResourceType.TOPIC, topic, AclOperation.READ),
            (ResourceType.GROUP, f"{user}s", AclOperation.READ),
        )
    ]
    topics = [NewTopic(topic, 1, 1) for topic in set(_TOPICS.values())]
    for done in (*admin.create_topics(topics).values(), *admin.create_acls(rules).values()):
        done.result(timeout=20)


def _settings(broker: ServerStack, certificates: Certificates, **more: Any) -> ConsumerSettings:
    given = {
        "kafka_bootstrap": f"{HOST}:{broker.ports('broker')[2]}",
        "kafka_security_protocol": "SASL_SSL",
        "kafka_sasl_mechanism": "PLAIN",
        "kafka_username": "plain-user",
        "kafka_password": "right",
        "kafka_ca_file": certificates.authority,
        **more,
    }
    return ConsumerSettings.model_validate(given)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
async def test_a_user_with_password_and_rights_writes_and_reads(
    secure_broker: ServerStack, certificates: Certificates, mechanism: str
) -> None:
    user = _KAFKA_USERS[mechanism]
    settings = _settings(secure_broker, certificates, kafka_username=user, kafka_sasl_mechanism=mechanism)
    async with make_producer(settings) as producer:
        await producer.send_and_wait(TOPIC, key=user.encode(), value="통화".encode())
    consumer = make_consumer(settings, group=f"{user}s")
    consumer.subscribe([TOPIC])
    async with consumer:
        keys = {(await consumer.getone()).key}
        while user.encode() not in keys:
            keys.add((await consumer.getone()).key)
        await consumer.commit()


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
async def test_a_wrong_password_is_refused_and_told_without_it(
    secure_broker: ServerStack, certificates: Certificates, mechanism: str
) -> None:
    settings = _settings(
        secure_broker,
        certificates,
        kafka_username=_KAFKA_USERS[mechanism],
        kafka_sasl_mechanism=mechanism,
        kafka_password="s3cret-but-wrong",  # noqa: S106 -- the point of the test
    )
    with pytest.raises(Fatal, match=r"or it refused the credentials; check .*SASL_SSL") as caught:
        await create_topics(settings)
    assert "s3cret" not in str(caught.value)


async def test_a_user_without_rights_to_a_topic_can_not_write_there(
    secure_broker: ServerStack, certificates: Certificates
) -> None:
    settings = _settings(secure_broker, certificates, kafka_username="stranger")
    async with make_producer(settings) as producer:
        with pytest.raises(TopicAuthorizationFailedError):
            await producer.send_and_wait(TOPIC, b"words")


async def test_a_user_without_rights_can_not_make_topics(
    secure_broker: ServerStack, certificates: Certificates
) -> None:
    settings = _settings(secure_broker, certificates, kafka_username="stranger")
    with pytest.raises(Fatal, match="AuthorizationFailed"):
        await create_topics(settings)


async def test_a_broker_of_an_unknown_authority_is_refused(
    secure_broker: ServerStack, certificates: Certificates, tmp_path: Path
) -> None:
    settings = _settings(secure_broker, certificates, kafka_ca_file=make_certificates(tmp_path).authority)
    producer = make_producer(settings)
    try:
        with pytest.raises(KafkaConnectionError):
            await producer.start()
    finally:
        await producer.stop()
