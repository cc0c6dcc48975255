"""Messages into Kafka, a batch at a time, each confirmed."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from confluent_kafka import KafkaError, KafkaException, Producer

from twin_cdc.lease import LeaseLost
from twin_common.events import Message
from twin_common.kafka_settings import KafkaSettings

_FENCED = frozenset(
    {KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH}  # public by its docs
)
_PATIENCE_SECONDS = 15.0
"""How long Kafka may take over a batch; also how long a dead copy's open batch can hold up readers."""


class Publisher(Protocol):
    """Takes messages in order, and returns when Kafka has them."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """Publish a batch; returns once every replica has every one of them, and raises when one is lost."""


class KafkaPublisher:
    """A transactional producer: of two with one transactional id, Kafka takes messages of the later one only.

    So a copy of the service that was paused and wakes up cannot put an old version behind a newer deletion.
    After an error it is good for nothing but to be dropped; the next one with its id clears up.
    """

    def __init__(self, settings: KafkaSettings, transactional_id: str) -> None:
        milliseconds = int(_PATIENCE_SECONDS * 1000)
        self._producer = Producer(
            settings.librdkafka_producer()
            | {
                "transactional.id": transactional_id,
                "transaction.timeout.ms": milliseconds,
                "message.timeout.ms": milliseconds,
            }
        )

    async def fence_off_others(self) -> None:
        """End what an earlier producer of this id has begun, and refuse it from now on.

        Raises:
            KafkaException: Kafka does not answer.
        """
        await asyncio.to_thread(self._producer.init_transactions, _PATIENCE_SECONDS)

    async def publish(self, messages: Sequence[Message]) -> None:
        """Raises LeaseLost when a later producer has fenced us off, else KafkaException."""
        if not messages:
            return
        try:
            await asyncio.to_thread(self._publish, messages)
        except KafkaException as error:
            if error.args[0].code() in _FENCED:
                raise LeaseLost("another copy publishes now") from error
            raise

    def _publish(self, messages: Sequence[Message]) -> None:
        self._producer.begin_transaction()
        for message in messages:
            self._producer.produce(
                message.topic, key=message.key, value=message.value, headers=list(message.headers)
            )
        self._producer.commit_transaction(_PATIENCE_SECONDS)
