"""Fetches single pages as a crawl would, through the same guard and limits, and stores nothing.

Twisted's reactor runs once in a process, so a process calls `fetch_pages` once.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from importlib import import_module
from typing import Any

from scrapy import Request, Spider
from scrapy.crawler import AsyncCrawlerRunner
from scrapy.http import Response
from scrapy.utils.reactor import install_reactor
from twisted.python.failure import Failure as TwistedFailure

from twin_common.errors import ForbiddenLink
from twin_common.link_guard import LinkGuard, LinkPolicy
from twin_crawler.crawl import REACTOR, scrapy_settings
from twin_crawler.download_failures import failure_of
from twin_crawler.failures import Failure, failure_of_status
from twin_crawler.settings import CrawlPolicy
from twin_crawler.source import Fetched

Outcome = Fetched | Failure


class _PageSpider(Spider):
    """Asks for every address and keeps what became of it."""

    name = "pages"

    def __init__(self, urls: Sequence[str], guard: LinkGuard, outcomes: dict[str, Outcome], **kwargs: Any):
        super().__init__(**kwargs)
        self._urls = urls
        self._guard = guard
        self._outcomes = outcomes

    async def start(self) -> AsyncIterator[Request]:
        for url in self._urls:
            try:
                self._guard.vet_url(url)
            except ForbiddenLink as error:
                self._outcomes[url] = failure_of(error)
                continue
            yield Request(
                url,
                callback=self.keep,
                errback=self.give_up,
                cb_kwargs={"asked": url},
                dont_filter=True,
            )

    async def keep(self, response: Response, asked: str) -> None:
        if not 200 <= response.status < 300:
            self._outcomes[asked] = failure_of_status(response.status)
            return
        content_type = response.headers.get("Content-Type") or b""
        self._outcomes[asked] = Fetched(
            response.url, response.status, response.body, content_type.decode("latin-1")
        )

    async def give_up(self, failure: TwistedFailure) -> None:
        asked = failure.request.cb_kwargs["asked"]  # type: ignore[attr-defined]
        self._outcomes[asked] = failure_of(failure.value or RuntimeError("the request failed"))


def fetch_pages(urls: Sequence[str], policy: CrawlPolicy) -> dict[str, Outcome]:
    """What each address answers, or why it gives no page; robots.txt is obeyed."""
    outcomes: dict[str, Outcome] = {}
    install_reactor(REACTOR)
    from twin_crawler.guarded_download import VettedNames

    reactor: Any = import_module("twisted.internet.reactor")  # only now: importing it installs one
    guard = LinkGuard(LinkPolicy(trusted_endpoints=policy.trusted_endpoints))
    reactor.installNameResolver(VettedNames(guard))
    runner = AsyncCrawlerRunner(scrapy_settings(policy) | {"ITEM_PIPELINES": {}})

    async def run() -> None:
        try:
            await runner.crawl(_PageSpider, list(dict.fromkeys(urls)), guard, outcomes)
        finally:
            reactor.stop()

    tasks: list[asyncio.Task[None]] = []
    reactor.callWhenRunning(lambda: tasks.append(asyncio.ensure_future(run())))
    reactor.run()
    for task in tasks:
        task.result()
    lost = Failure("fetch_failed", "the fetch ended before the page came")
    return {url: outcomes.get(url, lost) for url in urls}
