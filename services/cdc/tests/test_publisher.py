"""One suite over both publishers."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

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

    async def of(self, keys: set[bytes], count: int) -> list[Message]:
        if self._publisher is not None:
            return [message for message in self._publisher.confirmed if message.key in keys]
        found: list[Message] = []
        consumer = AIOKafkaConsumer(
            DOCUMENT_CHANGES.name, **self._settings.aiokafka(), auto_offset_reset="earliest"
        )
        async with consumer:
            while len(found) < count:
                record = await consumer.getone()
                if record.key in keys:
                    found.append(Message(record.topic, record.key, record.value, list(record.headers)))
        return found


@pytest.fixture(params=["memory", "kafka"])
async def wired(
    request: pytest.FixtureRequest, kafka_bootstrap: str
) -> AsyncIterator[tuple[Publisher, Arrivals]]:
    settings = KafkaSettings(bootstrap_servers=kafka_bootstrap)
    if request.param == "memory":
        memory = MemoryPublisher()
        yield memory, Arrivals(memory, settings)
        return
    async with AIOKafkaProducer(**settings.aiokafka_producer()) as producer:
        yield KafkaPublisher(producer), Arrivals(None, settings)


class TestPublisher:
    async def test_messages_arrive_unchanged_and_those_of_one_key_in_order(
        self, wired: tuple[Publisher, Arrivals]
    ) -> None:
        publisher, arrivals = wired
        events = [DocumentDeleted(document_id=str(uuid4()), version=n) for n in range(1, 101)]
        sent = [message for event in events for message in (encode(event, "cdc"), tombstone(event))]
        await (await publisher.send(sent))
        keys = {message.key for message in sent}
        arrived = await arrivals.of(keys, len(sent))
        for key in keys:
            assert [m for m in arrived if m.key == key] == [m for m in sent if m.key == key]
        assert len(arrived) == len(sent)

    async def test_an_empty_batch_is_confirmed_at_once(self, wired: tuple[Publisher, Arrivals]) -> None:
        publisher, _ = wired
        await (await publisher.send([]))
