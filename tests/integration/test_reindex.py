"""The index is built anew with another encoder while its owner writes and readers search."""

import asyncio
import os
import signal
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from qdrant_client import AsyncQdrantClient

from tests.integration.history import History
from twin_common.authors import Author
from twin_common.documents import Category, DocumentDraft
from twin_common.embedding import EmbeddingSettings
from twin_common.identity import parse_author_id
from twin_common.index_builds import Role, read_builds
from twin_common.vector_index import PIPELINE_VERSION, connect
from twin_common.warehouse import Warehouse
from twin_feature_stream.reconcile import compare
from twin_local.api import ApiClient
from twin_local.authors import register_author
from twin_local.connection import Connection
from twin_local.errors import PlatformError
from twin_local.home import TwinHome
from twin_local.platform import Platform, PlatformOptions
from twin_local.ports import free_port
from twin_local.reindexing import Reindexing

pytestmark = pytest.mark.integration

ADA = parse_author_id("ada")
SECOND = EmbeddingSettings(backend="hashing", model="second")
FIRST_DOCUMENTS = 150


class Readers:
    """Search without a pause; every failure is kept."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.searches = 0
        self.failures: list[str] = []

    async def run(self, stop: asyncio.Event) -> None:
        async with ApiClient(self._connection.api_url, self._connection.key(ADA)) as api:
            while not stop.is_set():
                try:
                    assert await api.search("the ferry log keeps every reading", 5)
                except (PlatformError, AssertionError) as error:
                    self.failures.append(repr(error))
                self.searches += 1
                await asyncio.sleep(0.02)


@asynccontextmanager
async def platform(folder: Path) -> Any:
    """Everything on this machine, with an encoder that costs nothing."""
    options = PlatformOptions(
        TwinHome(folder),
        api_port=free_port(),
        environment={"EMBEDDING_BACKEND": "hashing", "FEATURE_STREAM_RECONCILE_INTERVAL_SECONDS": "5"},
    )
    async with Platform(options) as running:
        yield running


async def until(condition: Any, seconds: float = 120) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.2)


async def equal(warehouse: Warehouse, client: AsyncQdrantClient, role: Role = Role.LIVE) -> None:
    """Wait until a build equals the warehouse."""

    async def same() -> bool:
        return not await compare(warehouse, client, role.aliases)

    await until(same)


async def test_no_search_fails_and_no_write_is_lost(tmp_path: Path) -> None:
    async with platform(tmp_path) as running:
        connection = Connection(TwinHome(tmp_path), running.environment)
        await register_author(connection, Author(author_id=ADA, name="Ada"))
        client = connect(connection.vector_index)
        async with Warehouse(connection.warehouse) as warehouse:
            history = History(warehouse, ADA, seed=3)
            stop = asyncio.Event()
            writing = asyncio.create_task(history.run(stop, pause_seconds=0.02))
            await until(lambda: written(history, FIRST_DOCUMENTS))
            await equal_soon(warehouse, client)
            readers = Readers(connection)
            reading = asyncio.create_task(readers.run(stop))
            work = Reindexing(client, warehouse)
            await work.begin(SECOND)
            await kill_the_new_stream(running)
            async with asyncio.timeout(120):
                await work.wait_until_caught_up(lambda _: None)
            sample = await work.sample(EmbeddingSettings(backend="hashing"), 40)
            assert sample.questions == 40
            assert sample.is_good, sample
            before_switch = history.written
            await work.switch()
            await until(lambda: written(history, before_switch + 50))
            searches_before = readers.searches
            await until(lambda: at_least(lambda: readers.searches, searches_before + 100))
            stop.set()
            await asyncio.gather(writing, reading)
            for role in (Role.LIVE, Role.PREVIOUS):
                await equal(warehouse, client, role)
            builds = await read_builds(client)
            assert builds[Role.LIVE].name == f"second__{PIPELINE_VERSION}"
            assert builds[Role.PREVIOUS].name == f"hashing__{PIPELINE_VERSION}"
            await work.roll_back()
            await work.switch()
            await work.finish()
            assert set(await read_builds(client)) == {Role.LIVE}
            text = "Nine quiet pilots drew maps of a shoal."
            url = "https://ada.example/last"
            await warehouse.documents.put(DocumentDraft.at(ADA, url, category=Category.ARTICLE, text=text))
            await equal(warehouse, client)
        await client.close()
    assert readers.failures == [], f"{len(readers.failures)} of {readers.searches} searches failed"
    assert readers.searches > 100


async def equal_soon(warehouse: Warehouse, client: AsyncQdrantClient) -> None:
    """Something of the owner's is searchable."""

    async def some() -> bool:
        return (await compare(warehouse, client)).counts["missing"] < FIRST_DOCUMENTS // 2

    await until(some)


async def written(history: History, count: int) -> bool:
    return history.written >= count


async def at_least(value: Any, count: int) -> bool:
    return bool(value() >= count)


async def kill_the_new_stream(running: Platform) -> None:
    """kill -9 of the process that fills the new build, in the middle of it; it is started again."""
    name = f"feature-stream.second__{PIPELINE_VERSION}"

    async def started() -> bool:
        return name in running.processes and running.processes[name].pid is not None

    await until(started)
    await asyncio.sleep(2)
    process = running.processes[name]
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    await until(lambda: at_least(lambda: process.restarts, 1))
