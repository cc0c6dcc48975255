"""Messages into Kafka, each confirmed."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Protocol

from aiokafka import AIOKafkaProducer

from twin_common.events import Message


class Publisher(Protocol):
    """Takes messages in order, and later tells that Kafka has them."""

    async def send(self, messages: Sequence[Message]) -> Awaitable[None]:
        """Hand messages over; waits only when too much is on its way.

        Returns:
            An awaitable that ends when every replica has every one of them, and raises when one is lost.
        """


class KafkaPublisher:
    """An idempotent producer: retries neither repeat nor reorder."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def send(self, messages: Sequence[Message]) -> Awaitable[None]:
        confirmations = [
            await self._producer.send(
                message.topic, value=message.value, key=message.key, headers=message.headers
            )
            for message in messages
        ]
        return _all_of(confirmations)


async def _all_of(confirmations: Sequence[Awaitable[object]]) -> None:
    await asyncio.gather(*confirmations)
