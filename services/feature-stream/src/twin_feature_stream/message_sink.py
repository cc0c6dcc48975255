"""Messages to Kafka, each confirmed: Bytewax's own sink loses them silently while the broker is away."""

import time
from collections.abc import Sequence

from bytewax.outputs import DynamicSink, StatelessSinkPartition
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import Message as KafkaMessage

from twin_common.errors import ServerUnavailable, TwinError
from twin_common.events import Message
from twin_common.kafka_settings import KafkaSettings
from twin_feature_stream.readiness import Stopping, StopSignal

_GRACE_SECONDS = 3.0
_ROOM_FOR_REASONS = 65_536
"""A dead letter is its message and the headers that say why."""


class UndeliveredMessage(TwinError):
    """Kafka refused a message for good."""


class ConfirmedPublisher:
    """Publishes and waits for the acknowledgement of every message; safe to call from several threads."""

    def __init__(self, settings: KafkaSettings, stop: StopSignal, give_up_after_seconds: float) -> None:
        self._stop = stop
        self._producer = Producer(
            settings.librdkafka_producer()
            | {
                "message.timeout.ms": max(1, int(give_up_after_seconds * 1000)),
                "message.max.bytes": settings.max_message_bytes + _ROOM_FOR_REASONS,
            }
        )

    def publish(self, messages: Sequence[Message]) -> None:
        """Return once Kafka confirmed all of them.

        Raises:
            ServerUnavailable: Kafka was away longer than the service is patient.
            UndeliveredMessage: Kafka refused one.
            Stopping: the service was told to stop and Kafka does not answer.
        """
        confirmed: list[KafkaError | None] = []
        for message in messages:
            self._produce(message, confirmed)
        asked: float | None = None
        while len(confirmed) < len(messages):
            self._producer.poll(0.1)
            if self._stop.is_set():
                asked = asked or time.monotonic()
                if time.monotonic() - asked > _GRACE_SECONDS:
                    raise Stopping("messages were not confirmed")
        for error in confirmed:
            if error is None:
                continue
            if error.code() in (KafkaError._MSG_TIMED_OUT, KafkaError._TRANSPORT):
                raise ServerUnavailable(
                    f"Kafka confirmed no message in time: {error.str()}; "
                    "start it, then start this service again"
                )
            raise UndeliveredMessage(f"Kafka refused a message: {error.str()}")

    def _produce(self, message: Message, confirmed: list[KafkaError | None]) -> None:
        def on_delivery(error: KafkaError | None, _: KafkaMessage) -> None:
            confirmed.append(error)

        while True:
            try:
                self._producer.produce(
                    message.topic,
                    key=message.key,
                    value=message.value,
                    headers=list(message.headers),
                    on_delivery=on_delivery,
                )
            except BufferError:
                self._producer.poll(0.1)
                self._stop.check()
            except KafkaException as error:
                raise UndeliveredMessage(
                    f"the client refused a message to {message.topic}: {error.args[0].str()}"
                ) from error
            else:
                return


class MessageSink(DynamicSink[Message]):
    """The last step of the flow: announcements and dead letters."""

    def __init__(self, publisher: ConfirmedPublisher) -> None:
        self._publisher = publisher

    def build(self, step_id: str, worker_index: int, worker_count: int) -> StatelessSinkPartition[Message]:
        return _MessageSinkPartition(self._publisher)


class _MessageSinkPartition(StatelessSinkPartition[Message]):
    def __init__(self, publisher: ConfirmedPublisher) -> None:
        self._publisher = publisher

    def write_batch(self, items: list[Message]) -> None:
        self._publisher.publish(items)
