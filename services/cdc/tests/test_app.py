"""The service as a process: what it waits for, what it says, how it ends."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from aiokafka import AIOKafkaConsumer

from twin_common.documents import Category, DocumentDraft
from twin_common.identity import parse_author_id
from twin_common.kafka_settings import KafkaSettings
from twin_common.topics import DOCUMENT_CHANGES
from twin_common.warehouse import Warehouse
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
    async with asyncio.timeout(30):
        while True:
            answer = await get(port, "/readyz")
            if answer[0] == status and text in answer[1]:
                return answer[1]
            await asyncio.sleep(0.05)


class TestService:
    async def test_it_relays_and_ends_cleanly(self, warehouse: Warehouse, kafka_bootstrap: str) -> None:
        url = os.environ.get("TEST_MONGODB_URL") or _url_of(warehouse)
        environment = {
            "MONGODB_URL": url,
            "MONGODB_DATABASE": warehouse.database.name,
            "KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
        }
        draft = DocumentDraft.at(
            parse_author_id("ada"), "https://ada.example/app", category=Category.POST, text="Hello."
        )
        async with running(**environment) as (process, port):
            await until_answer(port, 200)
            outcome = await warehouse.documents.put(draft)
            consumer = AIOKafkaConsumer(
                DOCUMENT_CHANGES.name,
                **KafkaSettings(bootstrap_servers=kafka_bootstrap).aiokafka(),
                auto_offset_reset="earliest",
            )
            async with consumer, asyncio.timeout(20):
                while (await consumer.getone()).key != outcome.document_id.encode():
                    pass
            status, metrics = await get(port, "/metrics")
            assert status == 200
            assert 'twin_cdc_events_total{operation="upsert"} 1.0' in metrics
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 15) == 0

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
            assert await asyncio.wait_for(process.wait(), 15) == 0


def _url_of(warehouse: Warehouse) -> str:
    host, port = next(iter(warehouse.client.nodes))
    return f"mongodb://{host}:{port}/?directConnection=true"
