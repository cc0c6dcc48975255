"""Puts this service's events on the event bus."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from twin_common.errors import ServerUnavailable
from twin_common.events import Event, Message, encode
from twin_common.kafka_settings import KafkaSettings
from twin_common.telemetry import current_traceparent

log = structlog.get_logger(__name__)

_SEND_SECONDS = 10.0
_STOP_SECONDS = 5.0


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
        await self.send([encode(event, "rag-api", event_id=event_id, traceparent=current_traceparent())])

    async def send(self, messages: Sequence[Message]) -> None:
        """Return once Kafka has confirmed all of them. Raises: as `publish`."""
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                producer = await self._started()
                confirmations = [
                    await producer.send(
                        message.topic, message.value, key=message.key, headers=message.headers
                    )
                    for message in messages
                ]
                await asyncio.gather(*confirmations)
        except (KafkaError, OSError, TimeoutError) as error:
            log.warning("messages were not published", count=len(messages), error=repr(error))
            raise ServerUnavailable("Kafka does not take the request; try again in a moment") from error

    async def close(self) -> None:
        """Let go of the connection."""
        if self._producer is not None:
            await _stop(self._producer)

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(client_id="twin-rag-api", **self._settings.aiokafka_producer())
                try:
                    await producer.start()
                except BaseException:
                    await _stop(producer)
                    raise
                self._producer = producer
            return self._producer


async def _stop(producer: AIOKafkaProducer) -> None:
    # It would wait for Kafka's word on what was sent for as long as Kafka is away.
    with suppress(TimeoutError):
        await asyncio.wait_for(producer.stop(), _STOP_SECONDS)
