"""The process that builds by itself, against real servers of the test's own."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
from confluent_kafka import Consumer

from twin_common.authors import Author
from twin_common.events import DatasetReady, decode
from twin_common.index_builds import ensure_collections
from twin_common.kafka_settings import KafkaSettings
from twin_common.topics import DATASETS_READY
from twin_common.vector_index import VectorIndexSettings, connect
from twin_common.warehouse import Warehouse
from twin_feature_stream.datasets.schedule import Schedule
from twin_feature_stream.datasets.settings import DatasetSettings
from twin_feature_stream.index import Index

from .material import ADA, article

pytestmark = pytest.mark.integration
_PATIENCE_SECONDS = 120


@pytest.fixture
async def index_url(qdrant_url: str) -> str:
    """A vector index with twelve articles of one author."""
    client = connect(VectorIndexSettings(url=qdrant_url))
    for collection in (await client.get_collections()).collections:
        await client.delete_collection(collection.name)
    await ensure_collections(client, "hashing", 384)
    await Index(client).put_heads([article(f"a{number}", days=number) for number in range(12)])
    await client.close()
    return qdrant_url


@pytest.fixture
async def environment(
    kafka: KafkaSettings,
    warehouse: Warehouse,
    index_url: str,
    tmp_path: Path,
    mongodb_url: str,
) -> AsyncIterator[Path]:
    """The environment of a platform, and its registry."""
    await warehouse.authors.put(Author(author_id=ADA, name="Ada"))
    variables = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "MONGODB_URL": mongodb_url,
        "MONGODB_DATABASE": warehouse.database.name,
        "QDRANT_URL": index_url,
        "DATASETS_REGISTRY": str(tmp_path / "registry"),
    }
    with pytest.MonkeyPatch.context() as patched:
        for name, value in variables.items():
            patched.setenv(name, value)
        yield tmp_path / "registry"


def announced_versions(registry: Path) -> int:
    return len(list(registry.glob("datasets/*/announced")))


def announced(kafka: KafkaSettings, count: int) -> list[DatasetReady]:
    consumer = Consumer(
        {"bootstrap.servers": kafka.bootstrap_servers, "group.id": "t", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([DATASETS_READY.name])
    messages = consumer.consume(count, _PATIENCE_SECONDS)
    messages += consumer.consume(1, 1)  # and no more than that
    consumer.close()
    events = []
    for message in messages:
        value, headers = message.value(), cast(list[tuple[str, bytes]], message.headers())
        assert value is not None
        event = decode(value, headers, DatasetReady).event
        assert isinstance(event, DatasetReady)
        assert message.key() == event.dataset_id.encode()
        events.append(event)
    return events


async def test_what_is_due_is_built_and_announced_once(environment: Path, kafka: KafkaSettings) -> None:
    command = [sys.executable, "-m", "twin_feature_stream.datasets", "--once"]
    for _ in range(2):
        ended = await asyncio.to_thread(
            subprocess.run, command, capture_output=True, text=True, timeout=_PATIENCE_SECONDS, check=False
        )
        assert ended.returncode == 0, ended.stderr
    (event,) = await asyncio.to_thread(announced, kafka, 1)
    lineage = json.loads((environment / event.location / "lineage.json").read_text())
    assert lineage["name"] == event.dataset_id
    assert event.author_id == ADA


async def test_a_look_while_a_server_is_away_fails_and_the_next_succeeds(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = Schedule(DatasetSettings())
    with monkeypatch.context() as broken:
        broken.setenv("QDRANT_URL", "http://127.0.0.1:9")
        assert not await schedule.look()
    assert await schedule.look()
    assert announced_versions(environment) == 1


async def test_it_looks_until_it_is_stopped(environment: Path) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(Schedule(DatasetSettings(check_seconds=0.05)).run(stop))
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while not announced_versions(environment):
            await asyncio.sleep(0.05)
        stop.set()
        await running
