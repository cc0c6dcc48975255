"""The service as a process of its own, as in production."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest
from qdrant_client import AsyncQdrantClient

from twin_common.documents import Category, DocumentDraft, HeadStatus
from twin_common.events import DocumentDeleted, DocumentUpserted, encode
from twin_common.identity import AuthorId
from twin_common.kafka_settings import KafkaSettings
from twin_common.vector_index import CHUNKS, VectorIndexSettings, connect, head_summaries
from twin_common.warehouse import Warehouse
from twin_feature_stream.message_sink import ConfirmedPublisher
from twin_feature_stream.readiness import StopSignal
from twin_feature_stream.reconcile import compare, mend
from twin_local.ports import free_port

pytestmark = pytest.mark.integration


class Service:
    """Starts and ends the process; `index` and `warehouse` are looked at from here."""

    def __init__(self, environment: dict[str, str], client: AsyncQdrantClient, warehouse: Warehouse) -> None:
        self.environment = environment
        self.index = client
        self.warehouse = warehouse
        self.port = int(environment["FEATURE_STREAM_HTTP_PORT"])
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "twin_feature_stream"]
        self.process = subprocess.Popen(command, env=os.environ | self.environment)

    def end(self, number: int) -> int:
        assert self.process
        self.process.send_signal(number)
        return self.process.wait(15)

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    async def ready(self) -> None:
        await self._until(lambda: self._status("/readyz", 200))

    async def searchable(self, count: int, version: int = 1) -> None:
        async def enough() -> bool:
            heads = [head async for head in head_summaries(self.index)]
            done = [
                head for head in heads if head.version == version and head.status is HeadStatus.SEARCHABLE
            ]
            return len(done) == count

        await self._until(enough)

    async def settled(self) -> None:
        async def equal() -> bool:
            return not await compare(self.warehouse, self.index)

        await self._until(equal)

    async def _status(self, path: str, status: int) -> bool:
        return (await asyncio.to_thread(self.get, path))[0] == status

    async def _until(self, condition: Any, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not await condition():
            assert time.monotonic() < deadline, self.get("/readyz")
            assert self.process is None or self.process.poll() is None, "the service ended"
            await asyncio.sleep(0.05)


def draft(number: int, text: str) -> DocumentDraft:
    return DocumentDraft.at(
        AuthorId("ada"), f"https://ada.example/{number}", category=Category.ARTICLE, text=text
    )


def text(number: int, edition: int = 1) -> str:
    return " ".join(f"Sentence {line} of article {number}, edition {edition}." for line in range(30))


@pytest.fixture
async def service(
    kafka: KafkaSettings, mongodb_url: str, warehouse: Warehouse, qdrant_url: str, tmp_path: Path
) -> AsyncIterator[Service]:
    client = connect(VectorIndexSettings(url=qdrant_url))
    for collection in (await client.get_collections()).collections:
        await client.delete_collection(collection.name)
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "MONGODB_URL": mongodb_url,
        "MONGODB_DATABASE": warehouse.database.name,
        "QDRANT_URL": qdrant_url,
        "FEATURE_STREAM_HTTP_PORT": str(free_port()),
        "FEATURE_STREAM_RECOVERY_DIR": str(tmp_path / "recovery"),
        "FEATURE_STREAM_EPOCH_SECONDS": "0.2",
    }
    service = Service(environment, client, warehouse)
    yield service
    if service.process and service.process.poll() is None:
        service.process.kill()
        service.process.wait()
    await client.close()


class TestService:
    async def test_from_the_warehouse_to_searchable_and_a_clean_end(
        self, service: Service, kafka: KafkaSettings
    ) -> None:
        service.start()
        await service.ready()
        await service.warehouse.documents.put_many([draft(n, text(n)) for n in range(5)])
        publisher = ConfirmedPublisher(kafka, StopSignal(), 10)
        async for version in service.warehouse.documents.versions():
            event = DocumentUpserted(document_id=version.document_id, category=version.category, version=1)
            publisher.publish([encode(event, "cdc")])
        await service.searchable(5)
        assert 'twin_feature_stream_documents_total{outcome="searchable"} 5.0' in service.get("/metrics")[1]
        began = time.monotonic()
        assert service.end(signal.SIGTERM) == 0
        assert time.monotonic() - began < 5

    async def test_it_mends_what_differs_at_start(self, service: Service, kafka: KafkaSettings) -> None:
        await service.warehouse.documents.put_many([draft(n, text(n)) for n in range(3)])
        service.start()
        await service.ready()
        await service.searchable(3)
        gone = draft(0, "").document_id
        await service.warehouse.documents.delete(gone, Category.ARTICLE)
        await service.warehouse.documents.put(draft(1, text(1, edition=2)))
        heads = [head async for head in head_summaries(service.index)]
        damaged = next(head for head in heads if head.document_id == draft(2, "").document_id)
        points, _ = await service.index.scroll(CHUNKS, limit=100, with_payload=["document_id"])
        await service.index.delete(
            CHUNKS, [p.id for p in points if (p.payload or {})["document_id"] == damaged.document_id][:1]
        )
        difference = await compare(service.warehouse, service.index)
        assert difference.counts == {"missing": 0, "stale": 2, "foreign": 1}
        await mend(difference, ConfirmedPublisher(kafka, StopSignal(), 10))
        await service.settled()

    async def test_killed_again_and_again_it_loses_nothing(
        self, service: Service, kafka: KafkaSettings
    ) -> None:
        publisher = ConfirmedPublisher(kafka, StopSignal(), 10)
        edition = 0
        for round_number in range(5):
            edition += 1
            await service.warehouse.documents.put_many([draft(n, text(n, edition)) for n in range(12)])
            service.start()
            if round_number == 0:
                await service.ready()
            gone = draft(100 + round_number, "")
            events = [
                encode(
                    DocumentUpserted(document_id=v.document_id, category=v.category, version=v.version), "cdc"
                )
                async for v in service.warehouse.documents.versions()
            ]
            publisher.publish([*events, encode(DocumentDeleted(document_id=gone.document_id), "cdc")])
            await asyncio.sleep(0.7 + 0.35 * round_number)
            service.end(signal.SIGKILL)
        service.start()
        await service.ready()
        await service.searchable(12, version=edition)
        await service.settled()
        points, _ = await service.index.scroll(CHUNKS, limit=10_000, with_payload=["document_id", "version"])
        assert {(point.payload or {})["version"] for point in points} == {edition}

    async def test_it_waits_for_its_servers_and_says_so(self, service: Service) -> None:
        service.environment["QDRANT_URL"] = f"http://127.0.0.1:{free_port()}"
        service.start()
        deadline = time.monotonic() + 30
        while "waiting for the vector store" not in service.get("/readyz")[1]:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
        assert service.get("/readyz")[0] == 503
        assert service.get("/livez")[0] == 200
        assert service.end(signal.SIGTERM) == 0

    async def test_it_refuses_a_position_beyond_the_log(
        self, service: Service, capfd: pytest.CaptureFixture[str]
    ) -> None:
        from twin_common.topics import ALL_TOPICS
        from twin_local.servers.kafka import MockCluster

        await service.warehouse.documents.put_many([draft(n, text(n)) for n in range(8)])
        service.start()
        await service.ready()
        await service.searchable(8)
        await asyncio.sleep(1)
        assert service.end(signal.SIGTERM) == 0
        another = MockCluster()
        for topic in ALL_TOPICS:
            another.create_topic(topic.name, topic.partitions)
        service.environment["KAFKA_BOOTSTRAP_SERVERS"] = another.bootstrap_servers
        service.environment["MONGODB_DATABASE"] = f"empty_{uuid4().hex}"
        service.start()
        assert service.process
        assert await asyncio.to_thread(service.process.wait, 30) == 1
        assert "remove the folder named by FEATURE_STREAM_RECOVERY_DIR" in capfd.readouterr().out

    async def test_idle_it_costs_little(self, service: Service) -> None:
        service.start()
        await service.ready()
        assert service.process
        process = psutil.Process(service.process.pid)
        await asyncio.sleep(3)
        before = process.cpu_times()
        await asyncio.sleep(5)
        after = process.cpu_times()
        used = after.user + after.system - before.user - before.system
        assert used / 5 < 0.05, f"{used / 5:.1%} of a core"
