"""The service as a process: what it waits for, what it says, how it ends."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.error import HTTPError, URLError
from urllib.request import urlopen
from uuid import uuid4

import pytest
from confluent_kafka import Consumer

from services.cdc.tests.conftest import DraftMaker
from twin_common.kafka_settings import KafkaSettings
from twin_common.topics import DOCUMENT_CHANGES
from twin_common.warehouse import Warehouse, WriteOutcome
from twin_local.ports import free_port


@asynccontextmanager
async def running(**environment: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "twin_cdc",
        env=os.environ | {"CDC_HTTP_PORT": str(port)} | environment,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process, port
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def get(port: int, path: str) -> tuple[int, str]:
    def fetch() -> tuple[int, str]:
        try:
            with urlopen(f"http://127.0.0.1:{port}{path}", timeout=2) as answer:  # our own server
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()
        except (URLError, ConnectionError):
            return 0, ""

    return await asyncio.to_thread(fetch)


async def until_answer(port: int, status: int, text: str = "") -> str:
    async with asyncio.timeout(120):
        while True:
            answer = await get(port, "/readyz")
            if answer[0] == status and text in answer[1]:
                return answer[1]
            await asyncio.sleep(0.05)


class Topic:
    """The topic as a reader sees it; every `read` goes on where the last one ended."""

    def __init__(self, bootstrap_servers: str) -> None:
        group = {"group.id": uuid4().hex, "auto.offset.reset": "earliest"}
        self._consumer = Consumer(KafkaSettings(bootstrap_servers=bootstrap_servers).librdkafka() | group)
        self._consumer.subscribe([DOCUMENT_CHANGES.name])

    async def until_it_has(self, outcome: WriteOutcome) -> None:
        wanted = f"{outcome.document_id}:{outcome.version}".encode()
        async with asyncio.timeout(120):
            while await asyncio.to_thread(self._next_id) != wanted:
                pass

    def _next_id(self) -> bytes | None:
        record = self._consumer.poll(0.5)
        headers = dict(record.headers() or []) if record is not None else {}
        found = headers.get("ce_id")
        return found if isinstance(found, bytes) else None


@pytest.fixture
def environment(warehouse: Warehouse, kafka_bootstrap: str) -> dict[str, str]:
    host, port = next(iter(warehouse.client.nodes))
    return {
        "MONGODB_URL": os.environ.get("TEST_MONGODB_URL")
        or f"mongodb://{host}:{port}/?directConnection=true",
        "MONGODB_DATABASE": warehouse.database.name,
        "KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
        "CDC_LEASE_SECONDS": "1.5",
    }


class TestTwoCopies:
    async def test_one_relays_the_other_is_ready_and_says_for_whom_it_waits(
        self, environment: dict[str, str], warehouse: Warehouse, draft: DraftMaker, kafka_bootstrap: str
    ) -> None:
        topic = Topic(kafka_bootstrap)
        async with running(**environment) as (first, first_port):
            await until_answer(first_port, 200, "relaying")
            async with running(**environment) as (_, second_port):
                assert f":{first.pid}:" in await until_answer(second_port, 200, "standby")
                assert "twin_cdc_lease_held 1.0" in (await get(first_port, "/metrics"))[1]
                assert "twin_cdc_lease_held 0.0" in (await get(second_port, "/metrics"))[1]
                await topic.until_it_has(await warehouse.documents.put(draft(1)))
                first.send_signal(signal.SIGTERM)
                assert await asyncio.wait_for(first.wait(), 120) == 0
                await until_answer(second_port, 200, "relaying")
                await topic.until_it_has(await warehouse.documents.put(draft(2)))

    @pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP])
    async def test_the_second_follows_one_that_is_killed_or_frozen(
        self,
        environment: dict[str, str],
        warehouse: Warehouse,
        draft: DraftMaker,
        kafka_bootstrap: str,
        end: signal.Signals,
    ) -> None:
        topic = Topic(kafka_bootstrap)
        async with running(**environment) as (first, first_port):
            await until_answer(first_port, 200, "relaying")
            async with running(**environment) as (second, second_port):
                await until_answer(second_port, 200, "standby")
                first.send_signal(end)
                await until_answer(second_port, 200, "relaying")
                await topic.until_it_has(await warehouse.documents.put(draft(1)))
                if end is signal.SIGSTOP:
                    first.send_signal(signal.SIGCONT)
                    assert f":{second.pid}:" in await until_answer(first_port, 200, "standby")
                    await topic.until_it_has(await warehouse.documents.put(draft(2)))


class TestService:
    async def test_it_relays_and_ends_cleanly(
        self, environment: dict[str, str], warehouse: Warehouse, draft: DraftMaker, kafka_bootstrap: str
    ) -> None:
        async with running(**environment) as (process, port):
            await until_answer(port, 200, "relaying")
            await Topic(kafka_bootstrap).until_it_has(await warehouse.documents.put(draft(1)))
            status, metrics = await get(port, "/metrics")
            assert status == 200
            assert 'twin_cdc_events_total{operation="upsert"} 1.0' in metrics
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 120) == 0

    async def test_without_its_servers_it_lives_says_what_it_waits_for_and_ends_on_demand(self) -> None:
        nobody = f"127.0.0.1:{free_port()}"
        environment = {
            "MONGODB_URL": f"mongodb://{nobody}",
            "MONGODB_TIMEOUT_SECONDS": "0.5",
            "KAFKA_BOOTSTRAP_SERVERS": nobody,
        }
        async with running(**environment) as (process, port):
            problem = await until_answer(port, 503, "warehouse")
            assert nobody in problem
            assert (await get(port, "/livez"))[0] == 200
            process.send_signal(signal.SIGINT)
            assert await asyncio.wait_for(process.wait(), 120) == 0
