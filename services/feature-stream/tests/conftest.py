"""The flow in this process, between a real Kafka protocol and a real vector index of the test's own."""

import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from bytewax.testing import cluster_main
from pydantic import SecretStr
from qdrant_client import AsyncQdrantClient

from twin_common.documents import Category, DocumentDraft, DocumentHead, RawDocument
from twin_common.embedding import Embedder
from twin_common.events import (
    DocumentDeleted,
    DocumentIndexed,
    DocumentUpserted,
    Message,
    decode,
    encode,
)
from twin_common.identity import AuthorId
from twin_common.index_builds import ensure_collections
from twin_common.kafka_settings import KafkaSettings
from twin_common.testing.embedding import HashingEmbedder
from twin_common.topics import ALL_TOPICS, DOCUMENT_CHANGES, DOCUMENTS_INDEXED
from twin_common.vector_index import CHUNKS, DENSE, DOCUMENTS, VectorIndexSettings, connect
from twin_common.warehouse import Warehouse, WarehouseSettings
from twin_feature_stream.app import Servers, index_stage, preparation
from twin_feature_stream.background_loop import BackgroundLoop
from twin_feature_stream.change_source import ChangeSource, ReadingPolicy
from twin_feature_stream.flow import build_flow
from twin_feature_stream.message_sink import ConfirmedPublisher, MessageSink
from twin_feature_stream.patience import Patience, RetryPolicy
from twin_feature_stream.positions import recovery
from twin_feature_stream.readiness import Readiness, StopSignal
from twin_feature_stream.settings import FeatureStreamSettings
from twin_local.ports import free_port
from twin_local.servers.kafka import MockCluster

from .running_service import Service

_NO_WAREHOUSE = SecretStr("mongodb://127.0.0.1:27017")
"""Nothing reads it: events bring their documents."""
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def announcements(messages: Sequence[Message]) -> list[DocumentIndexed]:
    found = []
    for message in messages:
        if message.topic == DOCUMENTS_INDEXED.name and message.value is not None:
            event = decode(message.value, message.headers, DocumentIndexed).event
            assert isinstance(event, DocumentIndexed)
            found.append(event)
    return found


class RecordingPublisher:
    """Keeps what is published, and tells when there is enough; `broken` raises instead."""

    def __init__(self, enough: int | None, stop: StopSignal) -> None:
        self.messages: list[Message] = []
        self.broken: Exception | None = None
        self._enough = enough
        self._stop = stop

    def publish(self, messages: Sequence[Message]) -> None:
        if self.broken:
            raise self.broken
        self.messages += messages
        if self._enough is not None and len(self.messages) >= self._enough:
            self._stop.set()


def _stop_at_the_end(source: ChangeSource, stop: StopSignal) -> None:
    while source.unread() != 0:
        time.sleep(0.01)
    stop.set()


class Stream:
    """One Kafka, one vector index and one recovery folder, over which the flow may run again and again."""

    def __init__(self, kafka: KafkaSettings, client: AsyncQdrantClient, recovery_dir: Path) -> None:
        self.kafka = kafka
        self.client = client
        self.recovery_dir = recovery_dir
        self.embedder: Embedder = HashingEmbedder()
        self.workers = 1
        self.source: ChangeSource | None = None
        self.settings = FeatureStreamSettings(recovery_dir=recovery_dir, max_text_bytes=100_000)

    @staticmethod
    def sentences(count: int, word: str = "word") -> str:
        """A text of `count` different sentences of eleven tokens."""
        return " ".join(f"The {word} number {number} is a part of this text." for number in range(count))

    @staticmethod
    def document(name: str = "one", text: str = "Some text.", version: int = 1, **fields: Any) -> RawDocument:
        draft = DocumentDraft.at(
            AuthorId("ada"),
            f"https://ada.example/{name}",
            **{"category": Category.ARTICLE, "title": name, "text": text} | fields,
        )
        return RawDocument(
            **draft.model_dump(), content_hash=draft.hash_content(), version=version, stored_at=NOW
        )

    @staticmethod
    def upsert(raw: RawDocument, *, inline: bool = True, again: bool = False) -> Message:
        event = DocumentUpserted(
            document_id=raw.document_id,
            category=raw.category,
            version=raw.version,
            document=raw if inline else None,
            again=again,
        )
        return encode(event, "cdc")

    @staticmethod
    def delete(raw: RawDocument, version: int | None = None) -> Message:
        return encode(DocumentDeleted(document_id=raw.document_id, version=version), "cdc")

    def publish(self, *messages: Message) -> None:
        ConfirmedPublisher(self.kafka, StopSignal(), 10).publish(messages)

    def run(
        self,
        until: int | None = None,
        *,
        client: Any = None,
        publisher_error: Exception | None = None,
        patience: float = 120,
    ) -> list[Message]:
        """Run until so many messages are published, or until Kafka has been read to its end; all of them.

        Args:
            patience: seconds after which it is given up.
        """
        # Ending the input lets all that was read pass; the signal for the stages would cut them short.
        stop, stop_reading, readiness = StopSignal(), StopSignal(), Readiness()
        publisher = RecordingPublisher(until, stop_reading)
        publisher.broken = publisher_error
        timeout = threading.Timer(patience, stop_reading.set)
        timeout.start()
        try:
            with BackgroundLoop(stop) as loop:
                warehouse = Warehouse(WarehouseSettings(url=_NO_WAREHOUSE))
                servers = Servers(warehouse, client or self.client)
                retrying = Patience(RetryPolicy(first=0.01, give_up_after=patience), readiness, stop)
                reading = ReadingPolicy(16, 0.01, 30)
                source = ChangeSource(self.kafka, DOCUMENT_CHANGES.name, reading, readiness, stop_reading)
                self.source = source
                flow = build_flow(
                    source,
                    preparation(self.settings, servers, self.embedder, loop, retrying),
                    index_stage(servers, self.embedder, loop, retrying, stop),
                    MessageSink(publisher),  # type: ignore[arg-type]
                )
                if until is None:
                    threading.Thread(
                        target=_stop_at_the_end, args=(source, stop_reading), daemon=True
                    ).start()
                cluster_main(  # type: ignore[no-untyped-call]
                    flow,
                    [],
                    0,
                    worker_count_per_proc=self.workers,
                    epoch_interval=timedelta(milliseconds=50),
                    recovery_config=recovery(self.recovery_dir),
                )
        finally:
            timed_out = not timeout.is_alive()
            timeout.cancel()
        assert not timed_out, f"only {len(publisher.messages)} messages came"
        return publisher.messages

    def outcomes(self, *, count: int) -> list[DocumentIndexed]:
        return announcements(self.run(count))

    async def heads(self) -> dict[str, DocumentHead]:
        points, _ = await self.client.scroll(DOCUMENTS, limit=10_000)
        found = [DocumentHead.model_validate(point.payload) for point in points]
        return {head.document_id: head for head in found}

    async def points(self) -> dict[str, tuple[Any, Any]]:
        """Payload and dense vector (to five digits) of every chunk, by point id."""
        points, _ = await self.client.scroll(CHUNKS, limit=10_000, with_vectors=[DENSE])
        vectors = {str(point.id): cast(dict[str, list[float]], point.vector)[DENSE] for point in points}
        return {
            str(point.id): (point.payload, [round(number, 5) for number in vectors[str(point.id)]])
            for point in points
        }

    async def snapshot(self) -> Any:
        """All that the index holds, except for times."""
        heads = {key: head.model_dump(exclude={"stages"}) for key, head in (await self.heads()).items()}
        return heads, await self.points()


@pytest.fixture
def kafka() -> Iterator[KafkaSettings]:
    cluster = MockCluster()
    for topic in ALL_TOPICS:
        cluster.create_topic(topic.name, topic.partitions)
    yield KafkaSettings(bootstrap_servers=cluster.bootstrap_servers)


@pytest.fixture
async def stream(kafka: KafkaSettings, tmp_path: Path) -> AsyncIterator[Stream]:
    client = AsyncQdrantClient(":memory:")
    await ensure_collections(client, "hashing", 384)
    yield Stream(kafka, client, tmp_path / "recovery")
    await client.close()


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
    service.kill()
    await client.close()
