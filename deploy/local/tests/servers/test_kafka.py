"""The local event bus is the real protocol, with the platform's topics."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from confluent_kafka import Message, Producer
from confluent_kafka.admin import AdminClient

from twin_common.kafka_settings import KafkaSettings
from twin_common.topics import ALL_TOPICS, CRAWL_REQUESTS


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaSettings]:
    file = tmp_path_factory.mktemp("kafka") / "address"
    command = [sys.executable, "-m", "twin_local.servers.kafka", "--address-file", str(file)]
    process = subprocess.Popen(command)
    deadline = time.monotonic() + 20
    while not file.exists():
        assert time.monotonic() < deadline, "the local event bus did not start"
        time.sleep(0.02)
    yield KafkaSettings(bootstrap_servers=Path(file).read_text())
    process.terminate()
    assert process.wait(10) == 0


def test_every_topic_has_its_partitions(settings: KafkaSettings) -> None:
    topics = AdminClient(settings.librdkafka()).list_topics(timeout=10).topics
    assert {name: len(topic.partitions) for name, topic in topics.items()} == {
        topic.name: topic.partitions for topic in ALL_TOPICS
    }


async def test_a_group_reads_what_an_idempotent_producer_wrote(settings: KafkaSettings) -> None:
    async with AIOKafkaProducer(**settings.aiokafka_producer()) as producer:
        for number in range(100):
            await producer.send(CRAWL_REQUESTS.name, str(number).encode(), key=b"one")
        await producer.flush()
    consumer = AIOKafkaConsumer(
        CRAWL_REQUESTS.name, **settings.aiokafka(), group_id="readers", auto_offset_reset="earliest"
    )
    async with consumer:
        values = [(await consumer.getone()).value for _ in range(100)]
    assert values == [str(number).encode() for number in range(100)]


async def test_equal_keys_meet_in_one_partition_whoever_produces(settings: KafkaSettings) -> None:
    keys = [f"key-{number}".encode() for number in range(50)]
    placed: dict[bytes, set[int]] = {key: set() for key in keys}
    async with AIOKafkaProducer(**settings.aiokafka_producer()) as producer:
        for key in keys:
            placed[key].add((await producer.send_and_wait("crawl.runs.v1", b"", key=key)).partition)

    def on_delivery(_: object, message: Message) -> None:
        placed[message.key() or b""].add(message.partition() or 0)

    other = Producer(settings.librdkafka_producer())
    for key in keys:
        other.produce("crawl.runs.v1", b"", key=key, on_delivery=on_delivery)
    other.flush(10)
    assert all(len(partitions) == 1 for partitions in placed.values())
