"""Asking for a crawl, and how it goes."""

import asyncio
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from opentelemetry.trace import SpanKind
from pymongo.asynchronous.database import AsyncDatabase

from twin_common.errors import ServerUnavailable
from twin_common.events import CrawlReported, CrawlRequested, encode
from twin_common.kafka_settings import KafkaSettings
from twin_common.telemetry import current_traceparent, span
from twin_common.warehouse import CrawlRecords
from twin_rag_api.auth import AuthorScope
from twin_rag_api.errors import NotFound

log = structlog.get_logger(__name__)

_SEND_SECONDS = 10.0
_REMEMBER_SECONDS = 30 * 24 * 3600


class RequestPublisher:
    """Puts crawl requests on the event bus; connects at the first one, so that search needs no Kafka."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def publish(self, event: CrawlRequested) -> None:
        """Return once Kafka has confirmed the request.

        Raises:
            ServerUnavailable: Kafka did not confirm it in time.
        """
        message = encode(event, "rag-api", event_id=event.run_id, traceparent=current_traceparent())
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                producer = await self._started()
                await producer.send_and_wait(
                    message.topic, message.value, key=message.key, headers=message.headers
                )
        except (KafkaError, OSError, TimeoutError) as error:
            log.warning("a crawl request was not published", run_id=event.run_id, error=repr(error))
            raise ServerUnavailable("Kafka does not take the crawl request; try again in a moment") from error

    async def close(self) -> None:
        """Let go of the connection."""
        if self._producer is not None:
            await self._producer.stop()

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(client_id="twin-rag-api", **self._settings.aiokafka_producer())
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer


class Crawls:
    """Requests of this service, in `crawl_requests`, and the crawler's reports on them."""

    def __init__(
        self, database: AsyncDatabase[dict[str, Any]], records: CrawlRecords, publisher: RequestPublisher
    ) -> None:
        self._requests = database["crawl_requests"]
        self._records = records
        self._publisher = publisher

    async def create_indexes(self) -> None:
        """Requests are forgotten after 30 days."""
        await self._requests.create_index("requested_at", expireAfterSeconds=_REMEMBER_SECONDS)

    async def request(
        self, scope: AuthorScope, links: tuple[str, ...], dry_run: bool = False
    ) -> CrawlRequested:
        """Ask the crawler for these links of the author, or for all that are registered when there are none.

        Raises:
            ServerUnavailable: Kafka does not answer.
        """
        event = CrawlRequested(author_id=scope.author_id, links=links, dry_run=dry_run)
        row = {"_id": event.run_id, "author_id": event.author_id, "requested_at": event.requested_at}
        await self._requests.insert_one(row)
        with span("publish crawl.requests.v1", kind=SpanKind.PRODUCER):
            try:
                await self._publisher.publish(event)
            except ServerUnavailable:
                await self._requests.delete_one({"_id": event.run_id})
                raise
        return event

    async def report(self, scope: AuthorScope, run_id: str) -> CrawlReported | None:
        """The newest report of one of the author's runs; None while the crawler has not begun.

        Raises:
            NotFound: the author has asked for no such run.
        """
        report = await self._records.run(scope.author_id, run_id)
        if report is None:
            row = await self._requests.find_one({"_id": run_id, "author_id": scope.author_id})
            if row is None:
                raise NotFound(f"there is no crawl {run_id}")
        return report
