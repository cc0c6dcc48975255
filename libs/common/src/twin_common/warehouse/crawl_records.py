"""What crawling remembers between runs: of pages, links, runs and schedules. Nobody watches it."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from pydantic import BaseModel, ConfigDict
from pymongo import ReplaceOne
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from twin_common.clock import utc_now
from twin_common.documents import Category, Timestamp
from twin_common.events import CrawlReported, RunStatus
from twin_common.identity import AuthorId
from twin_common.warehouse.erasures import Erasures

_ENDED = [RunStatus.FINISHED.value, RunStatus.FAILED.value]


class PageState(BaseModel):
    """What is known of one fetched address of an author."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)
    author_id: str
    url: str
    """The canonical form of the address that is fetched."""
    source_url: str | None = None
    """The registered link through which the page was found."""
    document_id: str | None = None
    """The document that the page gave; None for a feed, a sitemap or a page without text."""
    category: Category | None = None
    etag: str | None = None
    last_modified: str | None = None
    content_digest: str | None = None
    """sha256 of the body, for servers that know no conditional requests."""
    revision: str | None = None
    """What the listing said of the page's state when it was last read: a time, a digest, a commit or blob."""
    gone_count: int = 0
    """How many runs in a row the server said 404 or 410."""
    seen_at: Timestamp | None = None
    """When it was last read."""

    @property
    def key(self) -> str:
        return f"{self.author_id}|{self.url}"


class LinkState(BaseModel):
    """How a registered link of an author has fared."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)
    author_id: str
    url: str
    failures: int = 0
    """How many crawls in a row got nothing from it."""
    reason: str | None = None
    """Of the newest failure, a word."""
    detail: str | None = None
    """Of the newest failure, a sentence."""
    paused_until: Timestamp | None = None
    """Before this time it is left alone."""

    @property
    def key(self) -> str:
        return f"{self.author_id}|{self.url}"


class ScheduleState(BaseModel):
    """When an author's next crawl begins."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)
    author_id: str
    schedule: str
    """The schedule that `next_at` was reckoned from."""
    next_at: Timestamp
    last_run_id: str | None = None


class CrawlRecords:
    """The collections `crawl_state`, `crawl_runs`, `crawl_links` and `crawl_schedules`."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._pages = database["crawl_state"]
        self._runs = database["crawl_runs"]
        self._erasures = Erasures(database)
        self._links = database["crawl_links"]
        self._schedules = database["crawl_schedules"]

    async def create_indexes(self) -> None:
        await self._pages.create_index("author_id")
        await self._runs.create_index("author_id")
        await self._links.create_index("author_id")

    async def pages(self, author_id: AuthorId) -> dict[str, PageState]:
        """All known pages of an author, by canonical address."""
        rows = await self._pages.find({"author_id": author_id}).to_list()
        return {row["url"]: PageState.model_validate(row) for row in rows}

    async def save_pages(self, pages: Sequence[PageState]) -> None:
        """Remember these pages in one round trip.

        Raises:
            AuthorErased: the author was erased.
        """
        if pages:
            await self._erasures.among({page.author_id for page in pages}, ())
            writes = [
                ReplaceOne({"_id": page.key}, page.model_dump(mode="python"), upsert=True) for page in pages
            ]
            await self._pages.bulk_write(writes, ordered=False)

    async def links(self, author_id: AuthorId) -> dict[str, LinkState]:
        """How the author's links have fared, by address."""
        rows = await self._links.find({"author_id": author_id}).to_list()
        return {row["url"]: LinkState.model_validate(row) for row in rows}

    async def paused_links(self, author_id: AuthorId | None = None) -> list[LinkState]:
        """The links, of one author or of all, that are left alone now."""
        query: dict[str, Any] = {"paused_until": {"$gt": utc_now()}}
        rows = await self._links.find(query | ({"author_id": author_id} if author_id else {})).to_list()
        return [LinkState.model_validate(row) for row in rows]

    async def newest_run(self, author_id: AuthorId) -> CrawlReported | None:
        """The report of the run that began last, or None."""
        rows = self._runs.find({"author_id": author_id}).sort("started_at", -1).limit(1)
        async for row in rows:
            return CrawlReported.model_validate(row)
        return None

    async def save_links(self, links: Sequence[LinkState]) -> None:
        """Remember how these links fared in one round trip."""
        if links:
            writes = [ReplaceOne({"_id": link.key}, link.model_dump(), upsert=True) for link in links]
            await self._links.bulk_write(writes, ordered=False)

    async def schedules(self) -> dict[str, ScheduleState]:
        """Every author's next crawl, by author."""
        rows = await self._schedules.find().to_list()
        return {row["_id"]: ScheduleState.model_validate(row) for row in rows}

    async def schedule(self, author_id: AuthorId) -> ScheduleState | None:
        """An author's next crawl, or None."""
        row = await self._schedules.find_one({"_id": author_id})
        return ScheduleState.model_validate(row) if row else None

    async def advance_schedule(self, before: ScheduleState | None, after: ScheduleState) -> None:
        """Replace a schedule's state, unless another process has done so since `before` was read."""
        row = after.model_dump()
        if before is None:
            with suppress(DuplicateKeyError):
                await self._schedules.insert_one(row | {"_id": after.author_id})
            return
        match = {"_id": before.author_id, "schedule": before.schedule, "next_at": before.next_at}
        await self._schedules.replace_one(match, row)

    async def forget_schedule(self, author_id: AuthorId) -> None:
        """The author has no schedule any more."""
        await self._schedules.delete_one({"_id": author_id})

    async def save_run(self, report: CrawlReported) -> None:
        """Keep the newest report of a run; the one that ended it stays, and an erased author has none."""
        if await self._erasures.is_erased(report.author_id):
            return
        row = report.model_dump(mode="json") | {"author_id": report.author_id}
        unended = {"_id": report.run_id, "status": {"$nin": _ENDED}}
        with suppress(DuplicateKeyError):  # the run has ended
            await self._runs.replace_one(unended, row, upsert=True)

    async def run(self, author_id: AuthorId, run_id: str) -> CrawlReported | None:
        """The newest report of one of the author's runs, or None."""
        row = await self._runs.find_one({"_id": run_id, "author_id": author_id})
        return CrawlReported.model_validate(row) if row else None
