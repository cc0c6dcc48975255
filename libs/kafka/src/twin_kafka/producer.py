"""What a service says: its events, and the dead letters of what it could not use."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog
from aiokafka import AIOKafkaProducer, ConsumerRecord
from aiokafka.errors import KafkaError

from twin_common.dead_letter import SourceRecord, dead_letter
from twin_common.errors import PoisonMessage
from twin_common.events import Message
from twin_common.kafka_settings import KafkaSettings
from twin_kafka.waiting import until_done

log = structlog.get_logger(__name__)

_STOP_SECONDS = 5.0


class EventProducer:
    """A producer with the promises of `twin_common.kafka_settings`: idempotent, confirmed by all."""

    def __init__(self, settings: KafkaSettings, service: str) -> None:
        self._settings = settings
        self._service = service
        self._producer: AIOKafkaProducer | None = None

    async def connect(self, tell: Callable[[str], None] = lambda _: None) -> None:
        """Wait until Kafka answers; `tell` hears why it waits."""
        what_for = f"waiting for Kafka at {self._settings.bootstrap_servers}"
        tell(what_for)
        self._producer = await until_done(self._start, what_for, KafkaError, tell=tell)

    async def send(self, message: Message) -> None:
        """Return once Kafka has confirmed the message.

        Raises:
            KafkaError: it did not.
        """
        await self._connected().send_and_wait(
            message.topic, value=message.value, key=message.key, headers=message.headers
        )

    async def set_aside(self, record: "ConsumerRecord[bytes, bytes]", error: PoisonMessage) -> None:
        """Make a dead letter of what nobody can use, and wait until Kafka has taken it."""
        source = SourceRecord(
            record.topic, record.partition, record.offset, record.key, record.value, list(record.headers)
        )
        letter = dead_letter(source, error, self._service)
        log.error("a record is unusable", reason=error.reason, error=str(error)[:300], topic=letter.topic)
        await until_done(lambda: self.send(letter), "Kafka to take a dead letter", KafkaError)

    async def ping(self) -> None:
        """Ask Kafka for what it holds. Raises: KafkaError, if it does not answer."""
        await self._connected().client.fetch_all_metadata()

    async def close(self) -> None:
        """Let go of the connection."""
        if self._producer is not None:
            await _stop(self._producer)

    def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise RuntimeError("the producer is not connected: call connect first")
        return self._producer

    async def _start(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(**self._settings.aiokafka_producer())
        try:
            await producer.start()
        except BaseException:
            await _stop(producer)
            raise
        return producer


async def _stop(producer: AIOKafkaProducer) -> None:
    # It would wait for Kafka's word on what was sent for as long as Kafka is away.
    with suppress(TimeoutError):
        await asyncio.wait_for(producer.stop(), _STOP_SECONDS)
