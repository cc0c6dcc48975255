"""What the crawler's tests share: a mock site, a warehouse that children find, crawls in real children."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import datetime
from uuid import uuid4

import pytest
from pydantic import SecretStr

from twin_common.authors import Author
from twin_common.clock import utc_now
from twin_common.events import CrawlReported, CrawlRequested
from twin_common.identity import AuthorId
from twin_common.warehouse import Warehouse, WarehouseSettings
from twin_crawler.child import child_runner
from twin_crawler.runs import RunExecutor
from twin_crawler.settings import CrawlPolicy
from twin_crawler.testing.mock_site import MockSite, serve

AUTHOR = AuthorId("ada")


@pytest.fixture
def site() -> Iterator[MockSite]:
    """A running site without pages."""
    with serve(MockSite()) as running:
        yield running


@pytest.fixture
async def warehouse(mongodb_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Warehouse]:
    """A database of its own, which children find through the environment; `ada` is registered."""
    name = f"crawler_{uuid4().hex[:12]}"
    monkeypatch.setenv("MONGODB_URL", mongodb_url)
    monkeypatch.setenv("MONGODB_DATABASE", name)
    settings = WarehouseSettings(url=SecretStr(mongodb_url), database=name)
    async with Warehouse(settings) as connected:
        await connected.wait_until_ready()
        await connected.authors.put(Author(author_id=AUTHOR, name="Ada Stone"))
        yield connected
        await connected.client.drop_database(name)


Crawl = Callable[..., Awaitable[CrawlReported]]


@pytest.fixture
def crawl(site: MockSite, warehouse: Warehouse) -> Crawl:
    """Crawls links of `ada` in a real child process; returns the last report."""

    async def run(
        *links: str,
        requested_at: datetime | None = None,
        traceparent: str | None = None,
        dry_run: bool = False,
        command: tuple[str, ...] = (),
        **policy: object,
    ) -> CrawlReported:
        reports: list[CrawlReported] = []

        async def publish(report: CrawlReported) -> None:
            reports.append(report)

        defaults: dict[str, object] = {
            "download_delay_seconds": 0,
            "download_timeout_seconds": 3,
            "retries": 0,
            "retry_pause_seconds": 0.1,
            "trusted_endpoints": site.endpoint,
        }
        executor = RunExecutor(
            warehouse, publish, child_runner(120, command), CrawlPolicy.model_validate(defaults | policy)
        )
        request = CrawlRequested(
            author_id=AUTHOR,
            links=links,
            dry_run=dry_run,
            requested_at=requested_at or utc_now(),
        )
        await executor.execute(request, traceparent)
        return reports[-1]

    return run
