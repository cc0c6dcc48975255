"""Records arrive as they were produced, one that cannot be taken is told, and poison is put aside."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from twin_common.dead_letter import reasons
from twin_common.errors import PoisonMessage
from twin_common.events import Message
from twin_common.kafka_settings import KafkaSettings
from twin_common.topics import CRAWL_REQUESTS, CRAWL_REQUESTS_DEAD
from twin_kafka.broker import make_broker
from twin_kafka.producer import EventProducer
from twin_kafka.subscription import commit, subscribe

_SECONDS = 60.0
_HEADERS = [("ce_type", b"\xff\xfe"), ("ce_id", b"")]


@dataclass
class Taken:
    """What a subscriber was given; a value of b"broken" is too much for it."""

    records: "asyncio.Queue[ConsumerRecord[bytes, bytes]]" = field(default_factory=asyncio.Queue)
    failures: "asyncio.Queue[BaseException]" = field(default_factory=asyncio.Queue)

    async def take(self, record: "ConsumerRecord[bytes, bytes]", consumer: AIOKafkaConsumer) -> None:
        if record.value == b"broken":
            raise ValueError("broken")
        await commit(consumer, record)
        await self.records.put(record)


@pytest.fixture
def settings(kafka_bootstrap: str) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=kafka_bootstrap)


@pytest.fixture
async def producer(settings: KafkaSettings) -> AsyncIterator[EventProducer]:
    producer = EventProducer(settings, "crawler")
    await producer.connect()
    yield producer
    await producer.close()


async def _of(waiting: "asyncio.Queue[Any]") -> Any:
    async with asyncio.timeout(_SECONDS):
        return await waiting.get()


async def test_records_are_taken_as_produced_and_committed_and_a_failure_is_told(
    settings: KafkaSettings, producer: EventProducer
) -> None:
    taken, group, key = Taken(), f"group-{uuid4().hex}", uuid4().hex.encode()
    broker = make_broker(settings)
    subscribe(broker, CRAWL_REQUESTS, group, taken.take, taken.failures.put_nowait)
    for value in (b"{no json", b"broken"):
        await producer.send(Message(CRAWL_REQUESTS.name, key, value, _HEADERS))
    async with broker:
        await broker.start()
        record = await _of(taken.records)
        error = await _of(taken.failures)
    assert (record.key, record.value, list(record.headers)) == (key, b"{no json", _HEADERS)
    assert isinstance(error, ValueError)
    watcher = AIOKafkaConsumer(bootstrap_servers=settings.bootstrap_servers, group_id=group)
    await watcher.start()
    try:
        assert await watcher.committed(TopicPartition(record.topic, record.partition)) == record.offset + 1
    finally:
        await watcher.stop()


async def test_what_is_put_aside_keeps_its_bytes_and_says_why(
    settings: KafkaSettings, producer: EventProducer
) -> None:
    reader = AIOKafkaConsumer(
        CRAWL_REQUESTS_DEAD.name,
        bootstrap_servers=settings.bootstrap_servers,
        auto_offset_reset="earliest",
    )
    await reader.start()
    try:
        record = ConsumerRecord(
            CRAWL_REQUESTS.name, 0, 7, 0, 0, b"ada", b"\x00\xff", None, 3, 2, tuple(_HEADERS)
        )
        await producer.set_aside(record, PoisonMessage("no_cloudevent", "a header is unreadable"))
        async with asyncio.timeout(_SECONDS):
            letter = await reader.getone()
    finally:
        await reader.stop()
    facts = reasons(letter.headers)
    assert (letter.key, letter.value) == (b"ada", b"\x00\xff")
    assert list(letter.headers)[: len(_HEADERS)] == _HEADERS
    assert (facts["error_reason"], facts["original_offset"]) == ("no_cloudevent", "7")


async def test_a_producer_that_is_not_connected_says_so() -> None:
    producer = EventProducer(KafkaSettings(bootstrap_servers="127.0.0.1:9092"), "crawler")
    with pytest.raises(RuntimeError, match="call connect first"):
        await producer.ping()
