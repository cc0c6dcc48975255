"""The topics of the platform on a Kafka that has none of them yet: `python -m twin_local.topics`."""

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # re-exported without saying so

from twin_common.configuration import read
from twin_common.kafka_settings import KafkaSettings
from twin_common.topics import ALL_TOPICS
from twin_local.errors import PlatformError

_TIMEOUT_SECONDS = 30.0


def create_topics(bootstrap_servers: str | None = None) -> list[str]:
    """Create what is missing; the names of those that were created.

    Raises:
        PlatformError: Kafka does not answer, or refuses.
    """
    settings = (
        KafkaSettings(bootstrap_servers=bootstrap_servers) if bootstrap_servers else read(KafkaSettings)
    )
    admin = AdminClient(settings.librdkafka())
    wanted = [NewTopic(topic.name, topic.partitions, config=topic.config) for topic in ALL_TOPICS]
    created: list[str] = []
    for name, future in admin.create_topics(wanted, operation_timeout=_TIMEOUT_SECONDS).items():
        try:
            future.result(_TIMEOUT_SECONDS)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise PlatformError(f"Kafka did not create the topic {name}: {error}") from error
        else:
            created.append(name)
    return created


if __name__ == "__main__":
    create_topics()
