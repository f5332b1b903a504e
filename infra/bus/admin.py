"""Topics: made by the operator's command or by the embedded stack, never by accident."""

from aiokafka.admin import NewTopic
from aiokafka.errors import KafkaConnectionError, KafkaError, for_code

from infra.bus.connection import make_admin, no_broker, quietly
from infra.errors import ErrorCode, Fatal
from infra.settings import Settings
from schemas.topics import TOPICS

_EXISTS = 36


async def create_topics(settings: Settings, *, replication: int = 1) -> dict[str, bool]:
    """Make every topic of the table that is missing: name → whether it was made now. Fatal when it cannot."""
    admin = make_admin(settings)
    try:
        await admin.start()
        wanted = [
            NewTopic(
                topic.name,
                topic.partitions,
                replication,
                topic_configs={
                    "retention.ms": str(topic.retention_ms),
                    "max.message.bytes": str(topic.max_message_bytes),
                    "cleanup.policy": "compact,delete" if topic.compacted else "delete",
                },
            )
            for topic in TOPICS
        ]
        made = {}
        for topic in wanted:
            response = await admin.create_topics([topic])
            made.update({entry[0]: _made(entry[0], entry[1]) for entry in response.topic_errors})
    except KafkaConnectionError as error:
        raise no_broker(settings) from error
    finally:
        await quietly(admin.close())
    return made


def _made(topic: str, code: int) -> bool:
    if code not in (0, _EXISTS):
        error: type[KafkaError] = for_code(code)
        raise Fatal(ErrorCode.CONTRACT, f"the broker refused topic {topic}: {error.__name__}")
    return code == 0
