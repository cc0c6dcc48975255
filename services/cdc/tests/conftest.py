"""A relay with its neighbours, and a warehouse whose log is short."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import pytest
from pydantic import SecretStr

from twin_cdc.back_fill import BackFill
from twin_cdc.change_feed import ChangeFeed
from twin_cdc.publisher import Publisher
from twin_cdc.relay import Relay, RelayPolicy
from twin_cdc.resume_tokens import ResumeTokenStore
from twin_cdc.server_clock import ServerClock
from twin_common.documents import Category, DocumentDraft
from twin_common.identity import parse_author_id
from twin_common.warehouse import Warehouse, WarehouseSettings
from twin_local.ports import free_port
from twin_local.servers import mongodb

SHORT_LOG_ENTRIES = 200

DraftMaker = Callable[..., DocumentDraft]
RelayMaker = Callable[[Publisher, ResumeTokenStore], AbstractAsyncContextManager[asyncio.Task[None]]]


class Until(Protocol):
    async def __call__(self, condition: Callable[[], bool]) -> None: ...


@pytest.fixture
def draft() -> DraftMaker:
    def make(number: int, text: str = "first", category: Category = Category.ARTICLE) -> DocumentDraft:
        return DocumentDraft.at(
            parse_author_id("ada"),
            f"https://ada.example/{number}",
            category=category,
            title=f"T{number}",
            text=text,
        )

    return make


@pytest.fixture
def until() -> Until:
    async def wait(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(120):
            while not condition():
                await asyncio.sleep(0.01)

    return wait


@pytest.fixture
def relaying(warehouse: Warehouse) -> RelayMaker:
    """Relays in the block, from the moment changes flow to a clean stop."""

    @asynccontextmanager
    async def run(publisher: Publisher, tokens: ResumeTokenStore) -> AsyncIterator[asyncio.Task[None]]:
        stop, streaming = asyncio.Event(), asyncio.Event()
        relay = await make_relay(warehouse, publisher, tokens)
        task = asyncio.create_task(relay.run(stop, streaming.set))
        waiting = asyncio.create_task(streaming.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        try:
            yield task
            stop.set()
            await asyncio.wait({task}, timeout=120)
            assert task.done()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    return run


async def make_relay(
    warehouse: Warehouse, publisher: Publisher, tokens: ResumeTokenStore, quiet_save_seconds: float = 0.0
) -> Relay:
    return Relay(
        ChangeFeed(warehouse.database, 50),
        BackFill(warehouse.database, 50),
        publisher,
        tokens,
        policy=RelayPolicy(100_000, quiet_save_seconds),
        clock=await ServerClock.of(warehouse.database),
    )


@pytest.fixture(scope="module")
def short_log_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that keeps the last 200 entries of its log and a little more."""
    folder, port = tmp_path_factory.mktemp("short-log"), free_port()
    command = mongodb.command("127.0.0.1", port, Path(folder) / "data")
    command += ["--oplog-max-entries", str(SHORT_LOG_ENTRIES)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield mongodb.url("127.0.0.1", port)
    process.kill()
    process.wait()


@pytest.fixture
async def short_log_warehouse(short_log_url: str) -> AsyncIterator[Warehouse]:
    settings = WarehouseSettings(url=SecretStr(short_log_url), database=f"test_{uuid4().hex}")
    async with Warehouse(settings) as warehouse:
        async with asyncio.timeout(120):
            await warehouse.wait_until_ready(interval_seconds=0.1)
        yield warehouse


async def fill_log(warehouse: Warehouse) -> None:
    """Push everything that came before off a short log."""
    for _ in range(3):
        await warehouse.database["other"].insert_many([{} for _ in range(2 * SHORT_LOG_ENTRIES)])
