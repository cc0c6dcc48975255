"""Asking for a crawl, and how it goes."""

from typing import Any

from opentelemetry.trace import SpanKind
from pymongo.asynchronous.database import AsyncDatabase

from twin_common.errors import ServerUnavailable
from twin_common.events import CrawlReported, CrawlRequested
from twin_common.telemetry import span
from twin_common.warehouse import CrawlRecords
from twin_rag_api.auth import AuthorScope
from twin_rag_api.errors import NotFound
from twin_rag_api.publishing import EventPublisher

_REMEMBER_SECONDS = 30 * 24 * 3600


class Crawls:
    """Requests of this service, in `crawl_requests`, and the crawler's reports on them."""

    def __init__(
        self, database: AsyncDatabase[dict[str, Any]], records: CrawlRecords, publisher: EventPublisher
    ) -> None:
        self._requests = database["crawl_requests"]
        self._records = records
        self._publisher = publisher

    async def create_indexes(self) -> None:
        """Requests are forgotten after 30 days."""
        await self._requests.create_index("requested_at", expireAfterSeconds=_REMEMBER_SECONDS)

    async def request(self, scope: AuthorScope, links: tuple[str, ...]) -> CrawlRequested:
        """Ask the crawler for these links of the author, or for all that are registered when there are none.

        Raises:
            ServerUnavailable: Kafka does not answer.
        """
        event = CrawlRequested(author_id=scope.author_id, links=links)
        row = {"_id": event.run_id, "author_id": event.author_id, "requested_at": event.requested_at}
        await self._requests.insert_one(row)
        with span("publish crawl.requests.v1", kind=SpanKind.PRODUCER):
            try:
                await self._publisher.publish(event, event.run_id)
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
