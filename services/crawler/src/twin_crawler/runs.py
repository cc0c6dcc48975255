"""One crawl run from the request to its last report."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import structlog
from aiokafka.errors import KafkaError
from opentelemetry.trace import SpanKind
from pymongo.errors import ConnectionFailure

from twin_common.clock import utc_now
from twin_common.documents import Timestamp
from twin_common.errors import TwinError, UnknownAuthor
from twin_common.events import (
    CrawlCounts,
    CrawlReported,
    CrawlRequested,
    LinkError,
    PlannedPage,
    RunStatus,
)
from twin_common.telemetry import current_traceparent, span
from twin_common.warehouse import Warehouse
from twin_crawler import metrics
from twin_crawler.author_turns import AuthorTurns
from twin_crawler.child import CrawlProcessDied, RunChild
from twin_crawler.run_protocol import RunLink, RunProgress, RunSpec
from twin_crawler.settings import CrawlPolicy

log = structlog.get_logger(__name__)

Publish = Callable[[CrawlReported], Awaitable[None]]
"""Sends a report to `crawl.runs.v1` and returns once Kafka has it."""

_ENDED = (RunStatus.FINISHED, RunStatus.FAILED)
_MOST_ERRORS = 1000
_MOST_PLANNED = 10_000
_PROGRESS_PUBLISH_SECONDS = 5.0
_RETRY_SECONDS = 2.0


class NothingToCrawl(TwinError):
    """The request names no link and the author has registered none."""


@dataclass
class _Tally:
    """What a run's reports have said so far."""

    request: CrawlRequested
    started_at: Timestamp
    counts: CrawlCounts = field(default_factory=CrawlCounts)
    errors: list[LinkError] = field(default_factory=list)
    progress: RunProgress = field(default_factory=lambda: RunProgress(counts=CrawlCounts()))
    planned: list[PlannedPage] = field(default_factory=list)

    def add(self, progress: RunProgress) -> None:
        metrics.count_progress(self.counts, progress.counts)
        for error in progress.new_errors:
            metrics.LINK_ERRORS.labels(error.reason).inc()
        self.counts, self.progress = progress.counts, progress
        self.planned = [*self.planned, *progress.new_planned][:_MOST_PLANNED]
        self.errors = [*self.errors, *progress.new_errors][:_MOST_ERRORS]

    def fail(self, reason: str, detail: str) -> None:
        """Put what ended the run before all else."""
        self.errors = [LinkError(url="", reason=reason, detail=detail), *self.errors][:_MOST_ERRORS]

    def report(self, status: RunStatus) -> CrawlReported:
        return CrawlReported(
            run_id=self.request.run_id,
            author_id=self.request.author_id,
            status=status,
            counts=self.counts,
            errors=tuple(self.errors),
            links=self.progress.links,
            domains=self.progress.domains,
            categories=self.progress.categories,
            planned=tuple(self.planned),
            started_at=self.started_at,
        )


class RunExecutor:
    """Executes crawl runs; the newest report of each is in the warehouse and in `crawl.runs.v1`."""

    def __init__(
        self, warehouse: Warehouse, publish: Publish, run_child: RunChild, policy: CrawlPolicy
    ) -> None:
        self._warehouse = warehouse
        self._publish = publish
        self._run_child = run_child
        self._policy = policy
        self._turns = AuthorTurns(warehouse.author_leases)

    async def execute(self, request: CrawlRequested, traceparent: str | None) -> None:
        """Run a crawl to its end, in the author's turn.

        One that ended before is left alone, also when its request is delivered again while it still runs;
        one that was cut off is run again.
        """
        await self._turns.work(request.author_id, lambda: self._execute(request, traceparent))

    async def _execute(self, request: CrawlRequested, traceparent: str | None) -> None:
        earlier = await _patiently(lambda: self._warehouse.crawls.run(request.author_id, request.run_id))
        if earlier is not None and earlier.status in _ENDED:
            log.info("the run has ended already", run_id=request.run_id)
            return
        began = monotonic()
        with (
            span("crawl", traceparent, SpanKind.CONSUMER, run_id=request.run_id),
            metrics.RUNS_UNDER_WAY.track_inprogress(),
        ):
            status = await self._crawl(request)
        metrics.RUN_SECONDS.labels(status.value).observe(monotonic() - began)

    async def _crawl(self, request: CrawlRequested) -> RunStatus:
        tally = _Tally(request, utc_now())
        await self._tell(tally.report(RunStatus.STARTED))
        status = RunStatus.FAILED
        try:
            spec = await _patiently(lambda: self._spec_of(request))
            async with aclosing(self._run_child(spec)) as lines:
                async for progress in lines:
                    tally.add(progress)
                    if not progress.finished:
                        await self._tell(tally.report(RunStatus.RUNNING))
            status = RunStatus.FINISHED
        except UnknownAuthor as error:
            tally.fail("unknown_author", str(error))
        except NothingToCrawl as error:
            tally.fail("no_links", str(error))
        except CrawlProcessDied as error:
            tally.fail("crawl_process_died", str(error))
        await self._tell_surely(tally.report(status))
        log.info("the run has ended", run_id=request.run_id, status=status, **tally.counts.model_dump())
        return status

    async def _spec_of(self, request: CrawlRequested) -> RunSpec:
        author = await self._warehouse.authors.get(request.author_id)
        registered = {
            link.url: RunLink(url=link.url, category=link.category, options=link.options)
            for link in author.links
        }
        named = tuple(registered.get(url) or RunLink(url=url) for url in request.links)
        links = named or tuple(registered.values())
        if not links:
            raise NothingToCrawl(
                f"{request.author_id} has no registered link; add one with: twin author add FILE"
            )
        return RunSpec(
            author_id=request.author_id,
            links=links,
            requested_at=request.requested_at,
            traceparent=current_traceparent(),
            policy=self._policy,
            credentials=author.credentials,
            asked_by_name=bool(request.links),
            dry_run=request.dry_run,
        )

    async def _tell(self, report: CrawlReported) -> None:
        """Report progress. What cannot be said now is said by a later report."""
        try:
            async with asyncio.timeout(_PROGRESS_PUBLISH_SECONDS):
                await self._warehouse.crawls.save_run(report)
                await self._publish(report)
        except (ConnectionFailure, KafkaError, TimeoutError) as error:
            log.warning("a progress report was lost", run_id=report.run_id, error=str(error)[:300])

    async def _tell_surely(self, report: CrawlReported) -> None:
        await _patiently(lambda: self._warehouse.crawls.save_run(report))
        await _patiently(lambda: self._publish(report))


async def _patiently(operation: Callable[[], Awaitable[Any]]) -> Any:
    """Repeat an operation until its server answers; only the end of the service cuts this short."""
    while True:
        try:
            return await operation()
        except (ConnectionFailure, KafkaError) as error:
            log.warning("waiting for a server", error=str(error)[:300])
            await asyncio.sleep(_RETRY_SECONDS)
