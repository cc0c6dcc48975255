"""The service as a process of its own, as in production."""

import asyncio
import signal
import time
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from confluent_kafka import Consumer, TopicPartition

from twin_common.documents import Category
from twin_common.events import DocumentDeleted, encode
from twin_common.kafka_settings import KafkaSettings
from twin_common.topics import ALL_TOPICS, DOCUMENT_CHANGES
from twin_common.vector_index import CHUNKS, head_summaries
from twin_feature_stream.message_sink import ConfirmedPublisher
from twin_feature_stream.readiness import StopSignal
from twin_feature_stream.reconcile import compare, mend
from twin_local.ports import free_port
from twin_local.servers.kafka import MockCluster

from .running_service import Service, draft, text, upserts

pytestmark = pytest.mark.integration


def ends(bootstrap_servers: str) -> int:
    """How many changes the log has got."""
    consumer = Consumer({"bootstrap.servers": bootstrap_servers, "group.id": "test"})
    places = [TopicPartition(DOCUMENT_CHANGES.name, n) for n in range(DOCUMENT_CHANGES.partitions)]
    try:
        return sum(consumer.get_watermark_offsets(place, timeout=10)[1] for place in places)
    finally:
        consumer.close()


def forget_cluster(recovery: Path) -> None:
    (noted,) = recovery.rglob("kafka-cluster-id")
    noted.unlink()


class TestService:
    async def test_from_the_warehouse_to_searchable_and_a_clean_end(
        self, service: Service, kafka: KafkaSettings
    ) -> None:
        service.start()
        await service.ready()
        await service.warehouse.documents.put_many([draft(n, text(n)) for n in range(5)])
        ConfirmedPublisher(kafka, StopSignal(), 10).publish(await upserts(service.warehouse))
        await service.searchable(5)
        assert 'twin_feature_stream_documents_total{outcome="searchable"} 5.0' in service.get("/metrics")[1]
        assert service.end(signal.SIGTERM) == 0

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
            events = await upserts(service.warehouse)
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
        deadline = time.monotonic() + 120
        while "waiting for the vector store" not in service.get("/readyz")[1]:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
        assert service.get("/readyz")[0] == 503
        assert service.get("/livez")[0] == 200
        assert service.end(signal.SIGTERM) == 0

    @pytest.mark.parametrize("noticed", ["by its name", "by its end"])
    async def test_it_refuses_positions_of_another_log(
        self, service: Service, noticed: str, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Although at start there is much to mend, whose events would soon fill the new log."""
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
        if noticed == "by its end":  # as where a topic was deleted and made again
            forget_cluster(Path(service.environment["FEATURE_STREAM_RECOVERY_DIR"]))
        service.start()
        assert await asyncio.to_thread(service.wait) == 1
        told = capfd.readouterr().out
        assert "remove the folder named by FEATURE_STREAM_RECOVERY_DIR" in told
        assert ("of the Kafka cluster" in told) == (noticed == "by its name")
        assert ends(another.bootstrap_servers) == 0, (
            "something was published before the positions were checked"
        )

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
