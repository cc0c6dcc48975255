"""What crawling remembers between runs: `crawl_state` a page, `crawl_runs` a run. Nobody watches them."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict
from pymongo import ReplaceOne
from pymongo.asynchronous.database import AsyncDatabase

from twin_common.documents import Category, Timestamp
from twin_common.events import CrawlReported
from twin_common.identity import AuthorId
from twin_common.warehouse.erasures import Erasures


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

    @property
    def key(self) -> str:
        return f"{self.author_id}|{self.url}"


class CrawlRecords:
    """The collections `crawl_state` and `crawl_runs`."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._pages = database["crawl_state"]
        self._runs = database["crawl_runs"]
        self._erasures = Erasures(database)

    async def create_indexes(self) -> None:
        await self._pages.create_index("author_id")
        await self._runs.create_index("author_id")

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

    async def save_run(self, report: CrawlReported) -> None:
        """Keep the newest report of a run, unless its author was erased."""
        if await self._erasures.is_erased(report.author_id):
            return
        row = report.model_dump(mode="json") | {"author_id": report.author_id}
        await self._runs.replace_one({"_id": report.run_id}, row, upsert=True)

    async def run(self, author_id: AuthorId, run_id: str) -> CrawlReported | None:
        """The newest report of one of the author's runs, or None."""
        row = await self._runs.find_one({"_id": run_id, "author_id": author_id})
        return CrawlReported.model_validate(row) if row else None
