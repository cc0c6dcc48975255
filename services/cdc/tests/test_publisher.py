"""One suite over both publishers, and what only the real one must refuse."""

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, KafkaException

from twin_cdc.fakes import MemoryPublisher
from twin_cdc.publisher import KafkaPublisher, Publisher
from twin_common.events import DocumentDeleted, Message, encode, tombstone
from twin_common.kafka_settings import KafkaSettings
from twin_common.topics import DOCUMENT_CHANGES


class Arrivals:
    """What a reader of the topic would see."""

    def __init__(self, publisher: MemoryPublisher | None, settings: KafkaSettings) -> None:
        self._publisher = publisher
        self._settings = settings

    def of(self, keys: set[bytes], count: int) -> list[Message]:
        if self._publisher is not None:
            return [message for message in self._publisher.confirmed if message.key in keys]
        return list(self._read(keys, count))

    def _read(self, keys: set[bytes], count: int) -> Iterator[Message]:
        record: Any  # of its fields some are None in records that carry an error
        group = {"group.id": uuid4().hex, "auto.offset.reset": "earliest"}
        consumer = Consumer(self._settings.librdkafka() | group)
        consumer.subscribe([DOCUMENT_CHANGES.name])
        while count:
            record = consumer.poll(1)
            if record is not None and record.key() in keys:
                count -= 1
                yield Message(record.topic(), record.key(), record.value(), list(record.headers() or []))
        consumer.close()


@pytest.fixture
def settings(kafka_bootstrap: str) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=kafka_bootstrap)


@pytest.fixture(params=["memory", "kafka"])
async def wired(request: pytest.FixtureRequest, settings: KafkaSettings) -> tuple[Publisher, Arrivals]:
    if request.param == "memory":
        memory = MemoryPublisher()
        return memory, Arrivals(memory, settings)
    publisher = KafkaPublisher(settings, uuid4().hex)
    await publisher.fence_off_others()
    return publisher, Arrivals(None, settings)


class TestPublisher:
    async def test_messages_arrive_unchanged_and_those_of_one_key_in_order(
        self, wired: tuple[Publisher, Arrivals]
    ) -> None:
        publisher, arrivals = wired
        events = [DocumentDeleted(document_id=str(uuid4()), version=n) for n in range(1, 101)]
        sent = [message for event in events for message in (encode(event, "cdc"), tombstone(event))]
        await publisher.publish(sent[:150])
        await publisher.publish(sent[150:])
        keys = {message.key for message in sent}
        arrived = await asyncio.to_thread(arrivals.of, keys, len(sent))
        for key in keys:
            assert [m for m in arrived if m.key == key] == [m for m in sent if m.key == key]
        assert len(arrived) == len(sent)

    async def test_an_empty_batch_is_confirmed_at_once(self, wired: tuple[Publisher, Arrivals]) -> None:
        publisher, _ = wired
        await publisher.publish([])


class TestKafkaPublisher:
    async def test_a_message_that_kafka_would_refuse_is_an_error_at_once(
        self, settings: KafkaSettings
    ) -> None:
        publisher = KafkaPublisher(settings, uuid4().hex)
        await publisher.fence_off_others()
        large = Message(DOCUMENT_CHANGES.name, b"key", b"x" * (settings.max_message_bytes + 1), [])
        with pytest.raises(KafkaException, match="too large"):
            await publisher.publish([large])
