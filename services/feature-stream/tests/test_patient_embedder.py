"""The service with an encoder that is a server."""

import asyncio
import signal

import pytest

from twin_common.kafka_settings import KafkaSettings
from twin_common.testing.embedding import HashingEmbedder
from twin_common.testing.text_embeddings_inference import FakeServer, serving
from twin_feature_stream.message_sink import ConfirmedPublisher
from twin_feature_stream.readiness import StopSignal

from .running_service import Service, draft, text, upserts


@pytest.mark.integration
async def test_while_the_encoder_is_away_the_stream_waits_and_no_document_fails(
    service: Service, kafka: KafkaSettings
) -> None:
    server = FakeServer(HashingEmbedder())
    with serving(server) as url:
        service.environment |= {"EMBEDDING_BACKEND": "text-embeddings-inference", "EMBEDDING_URL": url}
        service.start()
        await service.ready()
        server.statuses = [503] * 11
        await service.warehouse.documents.put_many([draft(n, text(n)) for n in range(4)])
        ConfirmedPublisher(kafka, StopSignal(), 10).publish(await upserts(service.warehouse))
        async with asyncio.timeout(120):
            while "waiting for the encoder" not in (await asyncio.to_thread(service.get, "/readyz"))[1]:
                await asyncio.sleep(0.05)
        await service.searchable(4)
        assert server.statuses == []
        assert service.end(signal.SIGTERM) == 0
