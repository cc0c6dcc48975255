"""Starting a crawl and watching it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from twin_common.events import (
    CrawlCounts,
    LinkError,
    LinkReport,
    OutcomeCounts,
    PlannedPage,
    RunStatus,
)
from twin_common.identity import canonical_url
from twin_rag_api.dependencies import Scope, ServiceResources
from twin_rag_api.errors import InvalidRequest

router = APIRouter(prefix="/v1", tags=["crawls"])


class CrawlRequest(BaseModel):
    """Which links to crawl."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)
    links: list[Annotated[str, Field(min_length=1, max_length=2048)]] = Field(default=[], max_length=100)
    """Absolute http or https addresses; none means all that the author has registered."""
    dry_run: bool = False
    """Only list what would be fetched."""


class CrawlAccepted(BaseModel):
    """The crawl is on its way."""

    run_id: str


class CrawlStatus(BaseModel):
    """Where a crawl stands."""

    model_config = ConfigDict(use_attribute_docstrings=True)
    run_id: str
    status: RunStatus | None
    """None: the crawler has not begun yet."""
    counts: CrawlCounts = CrawlCounts()
    errors: list[LinkError] = []
    links: list[LinkReport] = []
    """What becomes of each registered link, with the reason."""
    domains: dict[str, OutcomeCounts] = {}
    categories: dict[str, OutcomeCounts] = {}
    planned: list[PlannedPage] = []
    """Of a dry run: what would be fetched, at most the first 10,000."""
    started_at: datetime | None = None
    reported_at: datetime | None = None


@router.post("/crawls", status_code=202)
async def start_crawl(scope: Scope, resources: ServiceResources, request: CrawlRequest) -> CrawlAccepted:
    """Ask the crawler to fetch the author's links; returns once the request is safe."""
    for link in request.links:
        canonical_url(link)
    if not request.links:
        author = await resources.warehouse.authors.get(scope.author_id)
        if not author.links:
            raise InvalidRequest("links", "the author has no registered links: name some, or register them")
    event = await resources.crawls.request(scope, tuple(request.links), request.dry_run)
    return CrawlAccepted(run_id=event.run_id)


@router.get("/crawls/{run_id}")
async def get_crawl(scope: Scope, resources: ServiceResources, run_id: UUID) -> CrawlStatus:
    """How far a crawl of the author is."""
    report = await resources.crawls.report(scope, str(run_id))
    if report is None:
        return CrawlStatus(run_id=str(run_id), status=None)
    return CrawlStatus(
        run_id=report.run_id,
        status=report.status,
        counts=report.counts,
        errors=list(report.errors),
        links=list(report.links),
        domains=report.domains,
        categories=report.categories,
        planned=list(report.planned),
        started_at=report.started_at,
        reported_at=report.reported_at,
    )
