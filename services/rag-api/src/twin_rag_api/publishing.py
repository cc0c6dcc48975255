"""Puts this service's events on the event bus."""

import asyncio

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from twin_common.errors import ServerUnavailable
from twin_common.events import Event, encode
from twin_common.kafka_settings import KafkaSettings
from twin_common.telemetry import current_traceparent

log = structlog.get_logger(__name__)

_SEND_SECONDS = 10.0


class EventPublisher:
    """Connects at the first event, so that search needs no Kafka."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def publish(self, event: Event, event_id: str) -> None:
        """Return once Kafka has confirmed the event.

        Raises:
            ServerUnavailable: Kafka did not confirm it in time.
        """
        message = encode(event, "rag-api", event_id=event_id, traceparent=current_traceparent())
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                producer = await self._started()
                await producer.send_and_wait(
                    message.topic, message.value, key=message.key, headers=message.headers
                )
        except (KafkaError, OSError, TimeoutError) as error:
            log.warning("an event was not published", topic=message.topic, id=event_id, error=repr(error))
            raise ServerUnavailable("Kafka does not take the request; try again in a moment") from error

    async def close(self) -> None:
        """Let go of the connection."""
        if self._producer is not None:
            await self._producer.stop()

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(client_id="twin-rag-api", **self._settings.aiokafka_producer())
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer
