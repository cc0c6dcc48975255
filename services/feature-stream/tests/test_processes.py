"""Several processes share the partitions of the topic."""

import asyncio
import signal
from collections.abc import AsyncIterator

import pytest

from twin_common.kafka_settings import KafkaSettings
from twin_feature_stream.message_sink import ConfirmedPublisher
from twin_feature_stream.readiness import StopSignal
from twin_local.ports import free_port

from .running_service import Service, draft, text, upserts

pytestmark = pytest.mark.integration


@pytest.fixture
async def pair(service: Service) -> AsyncIterator[list[Service]]:
    """Two processes over the same servers and the same recovery folder; the first one reconciles."""
    addresses = f"127.0.0.1:{free_port()},127.0.0.1:{free_port()}"
    common = service.environment | {"FEATURE_STREAM_ADDRESSES": addresses}
    pair = [
        Service(
            common | {"FEATURE_STREAM_PROCESS": str(number), "FEATURE_STREAM_HTTP_PORT": str(free_port())},
            service.index,
            service.warehouse,
        )
        for number in range(2)
    ]
    yield pair
    for process in pair:
        process.kill()


async def start(pair: list[Service]) -> None:
    for process in pair:
        process.start()
    for process in pair:
        await process.ready()


class TestTwoProcesses:
    async def test_each_takes_its_share_and_both_end_at_a_signal(
        self, pair: list[Service], kafka: KafkaSettings
    ) -> None:
        await start(pair)
        await pair[0].warehouse.documents.put_many([draft(n, text(n)) for n in range(24)])
        ConfirmedPublisher(kafka, StopSignal(), 10).publish(await upserts(pair[0].warehouse))
        await pair[0].searchable(24)
        await pair[0].settled()
        shares = [
            process.counted('twin_feature_stream_documents_total{outcome="searchable"}') for process in pair
        ]
        assert sum(shares) >= 24
        assert min(shares) > 0
        for process in pair:
            assert process.process
            process.process.send_signal(signal.SIGTERM)
        assert [await asyncio.to_thread(process.wait) for process in pair] == [0, 0]

    async def test_the_death_of_one_ends_the_other_and_a_restart_recovers(
        self, pair: list[Service], kafka: KafkaSettings
    ) -> None:
        publisher = ConfirmedPublisher(kafka, StopSignal(), 10)
        for edition, victim in ((1, 1), (2, 0)):
            await start(pair)
            await pair[0].warehouse.documents.put_many([draft(n, text(n, edition)) for n in range(24)])
            publisher.publish(await upserts(pair[0].warehouse))
            await asyncio.sleep(0.3)
            pair[victim].kill()
            assert await asyncio.to_thread(pair[1 - victim].wait) == 1
        await start(pair)
        await pair[0].searchable(24, version=2)
        await pair[0].settled()
