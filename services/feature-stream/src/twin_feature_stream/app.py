"""Puts the service together, runs it, and takes it apart again."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import timedelta
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from bytewax.dataflow import Dataflow
from bytewax.errors import BytewaxRuntimeError
from bytewax.run import cli_main

from twin_common.configuration import read
from twin_common.documents import Category, DocumentHead, HeadSummary, RawDocument
from twin_common.embedding import Embedder, EmbeddingSettings, load_sparse_embedder
from twin_common.errors import ServerUnavailable
from twin_common.health import HealthServer
from twin_common.index_builds import Role, describe_encoder, ensure_collections, read_builds
from twin_common.kafka_settings import KafkaSettings
from twin_common.topics import DOCUMENT_CHANGES
from twin_common.vector_index import LIVE, Collections, VectorIndexSettings, connect
from twin_common.warehouse import Warehouse, WarehouseSettings
from twin_feature_stream.background_loop import BackgroundLoop
from twin_feature_stream.change_source import ChangeSource, ReadingPolicy, cluster_id, list_partitions
from twin_feature_stream.chunking import ChunkingPolicy
from twin_feature_stream.deduplication import Deduplication
from twin_feature_stream.embedding_stage import EmbeddingStage
from twin_feature_stream.flow import build_flow
from twin_feature_stream.index import Index
from twin_feature_stream.index_stage import IndexStage
from twin_feature_stream.index_writer import IndexWriter
from twin_feature_stream.message_sink import ConfirmedPublisher, MessageSink
from twin_feature_stream.patience import Patience, RetryPolicy
from twin_feature_stream.patient_embedder import PatientEmbedder, load_patiently
from twin_feature_stream.positions import claim, recovery
from twin_feature_stream.preparation import Preparation
from twin_feature_stream.readiness import Readiness, Stopping, StopSignal
from twin_feature_stream.reconcile import differences, mend
from twin_feature_stream.settings import FeatureStreamSettings
from twin_feature_stream.work import ChunkVectors

if TYPE_CHECKING:
    from qdrant_client import AsyncQdrantClient

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Configuration:
    """The service's own settings and those of the servers it uses; read from the environment."""

    service: FeatureStreamSettings = field(default_factory=lambda: read(FeatureStreamSettings))
    kafka: KafkaSettings = field(default_factory=lambda: read(KafkaSettings))
    warehouse: WarehouseSettings = field(default_factory=lambda: read(WarehouseSettings))
    vector_index: VectorIndexSettings = field(default_factory=lambda: read(VectorIndexSettings))
    embedding: EmbeddingSettings = field(default_factory=lambda: read(EmbeddingSettings))


@dataclass(frozen=True)
class Servers:
    """Clients of the two stores, made on the background loop."""

    warehouse: Warehouse
    vector_index: "AsyncQdrantClient"
    collections: Collections = LIVE
    """Where this process writes: the build of the index that its encoder makes."""

    def recovery_folder(self, settings: FeatureStreamSettings) -> Path:
        """Each build has positions of its own."""
        return settings.recovery_dir / self.collections.chunks


def serve(configuration: Configuration, stop: StopSignal, embedder: Embedder | None = None) -> None:
    """Run the service until `stop` is given or something cannot be helped.

    Args:
        embedder: instead of the configured one.

    Raises:
        TwinError: what went wrong and what to do; after it the service may simply be started again.
    """
    readiness = Readiness()
    settings = configuration.service
    with (
        HealthServer(settings.http_host, settings.http_port, readiness.problem) as health,
        BackgroundLoop(stop) as loop,
    ):
        log.info("started", http_port=health.port)
        try:
            _run(configuration, readiness, stop, loop, embedder)
        except BytewaxRuntimeError as error:
            cause = root_cause(error)
            if not isinstance(cause, Stopping):
                raise cause from error
        except Stopping:
            pass
    log.info("stopped")


def root_cause(error: BaseException) -> BaseException:
    """What was raised in a step of the flow, out of Bytewax's wrappings."""
    while isinstance(error, BytewaxRuntimeError) and error.__cause__ is not None:
        error = error.__cause__
    return error


def _run(
    configuration: Configuration,
    readiness: Readiness,
    stop: StopSignal,
    loop: BackgroundLoop,
    given_embedder: Embedder | None,
) -> None:
    settings = configuration.service
    servers = loop.run(_connect(configuration))
    reconciling: Future[None] | None = None
    try:
        at_start = Patience(RetryPolicy(give_up_after=inf), readiness, stop)
        encoder = loop.run(_choose_encoder(configuration.embedding, servers, at_start))
        embedder = given_embedder or load_patiently(encoder, at_start, loop)
        servers = replace(servers, collections=Collections.of_model(embedder.model_name))
        loop.run(_wait_for_servers(configuration, servers, at_start, embedder, encoder))
        patience = Patience(RetryPolicy(give_up_after=settings.retry_seconds), readiness, stop)
        if encoder.backend == "text-embeddings-inference":
            embedder = PatientEmbedder(embedder, patience, loop)
        publisher = ConfirmedPublisher(configuration.kafka, stop, settings.retry_seconds)
        reading = ReadingPolicy(settings.batch_documents, settings.poll_seconds, settings.retry_seconds)
        source = ChangeSource(
            configuration.kafka,
            DOCUMENT_CHANGES.name,
            reading,
            readiness,
            stop,
            shared=len(settings.peers) > 1,
        )
        flow = build_flow(
            source,
            preparation(settings, servers, embedder, loop, patience),
            index_stage(servers, embedder, loop, patience, stop),
            MessageSink(publisher),
        )
        if settings.process == 0 and settings.reconcile_interval_seconds:
            reconciling = loop.submit(
                _reconcile_forever(servers, publisher, source, settings.reconcile_interval_seconds)
            )
        _work(flow, settings, servers.recovery_folder(settings))
    finally:
        if reconciling:
            reconciling.cancel()
        loop.submit(_close(servers)).result(timeout=5)


def _work(flow: Dataflow, settings: FeatureStreamSettings, folder: Path) -> None:
    """Run the flow on this process's share of the workers until its input ends or a step fails."""
    peers = settings.peers
    try:
        cli_main(  # type: ignore[no-untyped-call]
            flow,
            workers_per_process=settings.workers,
            process_id=settings.process if peers else None,
            addresses=peers or None,
            epoch_interval=timedelta(seconds=settings.epoch_seconds),
            recovery_config=recovery(folder, first=settings.process == 0),
        )
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # Rust's own; it is no Exception
            raise
        raise ServerUnavailable(
            f"a process that shares the work ended ({error}): start all of them again"
        ) from error


def preparation(
    settings: FeatureStreamSettings,
    servers: Servers,
    embedder: Embedder,
    loop: BackgroundLoop,
    patience: Patience,
) -> Preparation:
    """The first stage over real servers."""
    index = Index(servers.vector_index, servers.collections)

    def read_heads(document_ids: Sequence[str]) -> dict[str, HeadSummary]:
        return loop.run(patience.wait_for("the vector store", lambda: index.heads(document_ids)))

    def read_documents(wanted: Sequence[tuple[str, Category]]) -> dict[str, RawDocument]:
        documents = servers.warehouse.documents
        return loop.run(patience.wait_for("the warehouse", lambda: documents.get_many(wanted)))

    return Preparation(
        read_heads=read_heads,
        read_documents=read_documents,
        count_tokens=embedder.count_tokens,
        chunking=ChunkingPolicy(embedder.max_tokens),
        max_text_bytes=settings.max_text_bytes,
    )


def index_stage(
    servers: Servers, embedder: Embedder, loop: BackgroundLoop, patience: Patience, stop: StopSignal
) -> IndexStage:
    """The second stage over a real vector index."""
    index = Index(servers.vector_index, servers.collections)

    def read_vectors(document_ids: Sequence[str]) -> dict[str, ChunkVectors]:
        return loop.run(patience.wait_for("the vector store", lambda: index.vectors(document_ids)))

    def read_copies(bands: Collection[str], document_ids: Collection[str]) -> dict[str, DocumentHead]:
        return loop.run(patience.wait_for("the vector store", lambda: index.copies(bands, document_ids)))

    def read_heads(document_ids: Sequence[str]) -> dict[str, DocumentHead]:
        return loop.run(patience.wait_for("the vector store", lambda: index.full_heads(document_ids)))

    return IndexStage(
        Deduplication(read_copies, read_heads),
        EmbeddingStage(embedder, load_sparse_embedder(), read_vectors, stop),
        IndexWriter(index, patience),
        loop,
    )


async def _connect(configuration: Configuration) -> Servers:
    """Clients belong to the loop they are made on; they connect at their first request."""
    return Servers(Warehouse(configuration.warehouse), connect(configuration.vector_index))


async def _close(servers: Servers) -> None:
    await servers.warehouse.client.close()
    await servers.vector_index.close()


async def _choose_encoder(
    configured: EmbeddingSettings, servers: Servers, patience: Patience
) -> EmbeddingSettings:
    """The encoder that the environment names, else that of the index which readers see."""
    if configured.model_fields_set & {"backend", "model"}:
        return configured
    builds = await patience.wait_for("the vector store", lambda: read_builds(servers.vector_index))
    live = builds.get(Role.LIVE)
    return live.embedding_settings(configured) if live else configured


async def _wait_for_servers(
    configuration: Configuration,
    servers: Servers,
    patience: Patience,
    embedder: Embedder,
    encoder: EmbeddingSettings,
) -> None:
    async def prepare_index() -> None:
        if configuration.service.process == 0:
            await ensure_collections(
                servers.vector_index, embedder.model_name, embedder.dimensions, describe_encoder(encoder)
            )
            return
        builds = await read_builds(servers.vector_index)
        if servers.collections not in [build.collections for build in builds.values()]:
            raise ServerUnavailable("the first process has not made the collections yet")

    async def find_topic() -> None:
        await asyncio.to_thread(list_partitions, configuration.kafka, DOCUMENT_CHANGES.name)

    waits: dict[str, Callable[[], Awaitable[None]]] = {
        "the vector store": prepare_index,
        "the warehouse": servers.warehouse.ping,
        "Kafka": find_topic,
    }
    await asyncio.gather(*(patience.wait_for(server, operation) for server, operation in waits.items()))
    await servers.warehouse.wait_until_ready()

    async def check_cluster() -> None:
        folder = servers.recovery_folder(configuration.service)
        claim(folder, await asyncio.to_thread(cluster_id, configuration.kafka))

    await patience.wait_for("Kafka", check_cluster)


async def _reconcile_forever(
    servers: Servers, publisher: ConfirmedPublisher, source: ChangeSource, interval_seconds: float
) -> None:
    """At start, and then at every interval; while events wait to be read it holds back, but not for ever."""
    while not source.is_open():  # noqa: ASYNC110 - other threads open it
        await asyncio.sleep(0.05)
    while True:
        try:
            async for part in differences(servers.warehouse, servers.vector_index, servers.collections):
                log.info("the index differs from the warehouse", **part.counts)
                await mend(part, publisher)
        except Exception:
            log.exception("comparing the index with the warehouse failed; trying again at the next interval")
        await asyncio.sleep(interval_seconds)
        for _ in range(int(interval_seconds)):
            if not source.unread():
                break
            await asyncio.sleep(1)
