"""What lives as long as the service: its connections and the things built on them."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Self

import structlog
from qdrant_client import AsyncQdrantClient
from qdrant_client.http.exceptions import ApiException

from twin_common.errors import ServerUnavailable
from twin_common.index_builds import IndexBuild, Role, read_builds
from twin_common.kafka_settings import KafkaSettings
from twin_common.link_guard import LinkGuard, LinkPolicy
from twin_common.warehouse import Warehouse
from twin_rag_api.auth import ApiKeys, Authenticator
from twin_rag_api.crawls import Crawls
from twin_rag_api.deployed import DeployedModels
from twin_rag_api.documents import DocumentDirectory
from twin_rag_api.erasure import Erasure
from twin_rag_api.feedback import Feedback
from twin_rag_api.generation.configured_engine import configured_engine, trained_engine
from twin_rag_api.generation.engine_registry import EngineRegistry
from twin_rag_api.generation.service import Answers
from twin_rag_api.index import missing_collections
from twin_rag_api.publishing import EventPublisher
from twin_rag_api.quota import Quota, RateLimit
from twin_rag_api.retrieval.cross_encoder import CrossEncoder
from twin_rag_api.retrieval.encoding import Encoding
from twin_rag_api.retrieval.hybrid_search import HybridSearch
from twin_rag_api.retrieval.late_interaction import LateInteraction
from twin_rag_api.retrieval.question_model import QuestionModel
from twin_rag_api.retrieval.question_reader import QuestionReader, ReadingPolicy
from twin_rag_api.retrieval.service import Retrieval
from twin_rag_api.settings import ApiSettings
from twin_rag_api.traces.judge import Judge
from twin_rag_api.traces.recorder import CapturePolicy, TraceRecorder
from twin_rag_api.traces.redaction import redacted, unchanged
from twin_rag_api.traces.store import TraceStore
from twin_rag_api.twins import Twins
from twin_rag_api.writing.drafts import Drafts
from twin_rag_api.writing.knowledge import Knowledge
from twin_rag_api.writing.link_fetch import LinkFetcher
from twin_rag_api.writing.service import Writing

log = structlog.get_logger(__name__)

ROOMS_ARE_MADE = "the warehouse is being prepared"

_RETRY_SECONDS = 1.0
_FOLLOW_SECONDS = 1.0


@dataclass
class Resources:
    """Built before the server listens; `prepare` then waits in the background for what is away."""

    settings: ApiSettings
    warehouse: Warehouse
    index: AsyncQdrantClient
    encoding: Encoding
    publisher: EventPublisher
    authenticator: Authenticator
    rate_limit: RateLimit
    retrieval: Retrieval
    engines: EngineRegistry
    answers: Answers
    writing: Writing
    drafts: Drafts
    crawls: Crawls
    feedback: Feedback
    documents: DocumentDirectory
    erasure: Erasure
    deployed: DeployedModels
    twins: Twins
    traces: TraceStore
    recorder: TraceRecorder
    draining: bool = False
    has_rooms: bool = False
    """Whether the warehouse has what this service writes to (docs/adr/0042)."""

    @classmethod
    def build(
        cls,
        settings: ApiSettings,
        warehouse: Warehouse,
        index: AsyncQdrantClient,
        encoding: Encoding,
        kafka: KafkaSettings,
    ) -> Self:
        """Connect the parts; nothing is sent anywhere yet."""
        chunks = HybridSearch(index)
        retrieval = Retrieval(
            encoding,
            chunks,
            LateInteraction(chunks) if settings.rerank == "words" else None,
            reader=_reader(settings),
            cross_encoder=CrossEncoder.connect(settings),
        )
        publisher = EventPublisher(kafka)
        engines = EngineRegistry(configured_engine(settings, encoding))
        answers = Answers(retrieval, encoding, engines, redact_personal_data=settings.redact_personal_data)
        fetcher = LinkFetcher(LinkGuard(LinkPolicy(trusted_endpoints=settings.trusted_endpoints)))
        feedback = Feedback(warehouse.feedback, publisher)
        traces = TraceStore(warehouse.database, warehouse.feedback, settings.trace_retention_days)
        capture = CapturePolicy(settings.trace_content, redacted if settings.trace_redaction else unchanged)
        return cls(
            settings=settings,
            warehouse=warehouse,
            index=index,
            encoding=encoding,
            publisher=publisher,
            authenticator=Authenticator(ApiKeys(warehouse.database)),
            rate_limit=RateLimit(Quota(settings.requests_per_minute)),
            retrieval=retrieval,
            engines=engines,
            answers=answers,
            writing=Writing(answers, retrieval, Knowledge(fetcher, encoding)),
            drafts=Drafts(warehouse.database, feedback),
            crawls=Crawls(warehouse.database, warehouse.crawls, publisher),
            feedback=feedback,
            documents=DocumentDirectory(warehouse.database, index),
            erasure=Erasure(warehouse, index, publisher.send),
            deployed=DeployedModels(warehouse.models, engines, partial(trained_engine, settings)),
            twins=Twins(warehouse, publisher),
            traces=traces,
            recorder=TraceRecorder(traces, Judge(encoding, index), capture),
        )

    async def prepare(self) -> None:
        """Load the encoder, wait for the servers and say what for; then follow the index until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._load_encoder())
            tasks.create_task(self._await_warehouse())
            tasks.create_task(self._await_collections())
        log.info("ready")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow_index())
            tasks.create_task(self.deployed.follow())

    async def missing(self) -> list[str]:
        """A sentence for each thing that a search still lacks."""
        if self.draining:
            return ["this copy is about to end: ask another"]
        encoder = [self.encoding.missing] if self.encoding.missing else []
        warehouse, collections = await asyncio.gather(
            self._warehouse_problem(), missing_collections(self.index)
        )
        return [*encoder, *warehouse, *collections]

    def drain(self) -> None:
        """From now on `/readyz` sends everyone to another copy; what still comes is answered."""
        self.draining = True

    async def close(self) -> None:
        """Let go of everything."""
        await self.recorder.close()
        self.encoding.close()
        await self.publisher.close()
        await self.engines.close()
        await self.retrieval.close()
        await self.index.close()
        await self.warehouse.client.close()

    async def _warehouse_problem(self) -> list[str]:
        """What is wrong with the warehouse, in a sentence, if anything."""
        try:
            await self.warehouse.ping()
        except ServerUnavailable as error:
            return [str(error)[:200]]
        return [] if self.has_rooms else [ROOMS_ARE_MADE]

    async def _load_encoder(self) -> None:
        encoder = await self.encoding.load()
        log.info("encoder loaded", model=encoder.model_name)

    async def _await_warehouse(self) -> None:
        await self.warehouse.wait_until_ready()
        await self.crawls.create_indexes()
        await self.drafts.create_indexes()
        await self.traces.create_indexes()
        self.has_rooms = True

    async def _await_collections(self) -> None:
        told: list[str] = []
        while missing := await missing_collections(self.index):
            if missing != told:
                log.warning("waiting for the vector index", missing=missing)
            told = missing
            await asyncio.sleep(_RETRY_SECONDS)

    async def _follow_index(self) -> None:
        """Use the encoder of the index that readers are to see, from a moment after it is switched.

        The next one is not loaded before: until its encoder is there, questions go on to the collection that
        they went to, which a switch leaves where it is.
        """
        failed: IndexBuild | None = None
        while True:
            with suppress(ApiException):  # a search says so to whoever asks
                builds = await read_builds(self.index)
                live = builds.get(Role.LIVE)
                if live is not None and live != failed:
                    failed = None if await self._can_use(live) else live
                searched = self.encoding.collection
                if failed and searched not in {build.collections.chunks for build in builds.values()}:
                    self.encoding.forget()
            await asyncio.sleep(_FOLLOW_SECONDS)

    async def _can_use(self, build: IndexBuild) -> bool:
        try:
            await self.encoding.use(build)
        except Exception:
            log.exception("the encoder of the index cannot be loaded", build=build.name)
            return False
        return True


def _reader(settings: ApiSettings) -> QuestionReader:
    policy = ReadingPolicy(
        rules=settings.self_query != "none",
        model_filters=settings.self_query == "model",
        variants=settings.query_variants,
        seconds=settings.question_timeout_seconds,
    )
    asks = policy.model_filters or policy.variants
    return QuestionReader(QuestionModel.connect(settings) if asks else None, policy)
