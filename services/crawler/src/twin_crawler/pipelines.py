"""Gathers what the spider found into batches for the page store."""

import asyncio
from typing import Self

import structlog
from pymongo.errors import ConnectionFailure
from scrapy.crawler import Crawler

from twin_common.clock import utc_now
from twin_crawler.page_store import PageStore, PageVisit
from twin_crawler.spider import AuthorSpider

log = structlog.get_logger(__name__)

_BATCH_SIZE = 50
_BATCH_SECONDS = 0.5
_PAUSES_SECONDS = (1, 2, 5, 10, 20, 30)


class BatchPipeline:
    """Hands visits to the store, fifty at once or what half a second brought.

    While the warehouse is away it waits, and the crawl with it; when it stays away the crawl ends, and
    `AuthorSpider.error` says why.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._waiting: list[PageVisit] = []
        self._storing = asyncio.Lock()
        self._timer: asyncio.Task[None] | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    async def process_item(self, item: PageVisit) -> PageVisit:
        self._waiting.append(item)
        if len(self._waiting) >= _BATCH_SIZE:
            await self._store_waiting()
        elif self._timer is None:
            self._timer = asyncio.create_task(self._store_later())
        return item

    async def close_spider(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        await self._store_waiting()

    async def _store_later(self) -> None:
        await asyncio.sleep(_BATCH_SECONDS)
        self._timer = None
        await self._store_waiting()

    async def _store_waiting(self) -> None:
        async with self._storing:
            batch, self._waiting = self._waiting, []
            spider = self._spider
            if not batch or spider.error is not None:
                return
            try:
                await _store_patiently(spider.store, batch)
            except Exception as error:
                # Scrapy would drop the pages and go on; a crawl that cannot store must end instead.
                log.exception("the warehouse does not take the pages", pages=len(batch))
                spider.error = error
                await self._crawler.engine.close_spider_async(reason="warehouse")

    @property
    def _spider(self) -> AuthorSpider:
        spider = self._crawler.spider
        if not isinstance(spider, AuthorSpider):
            raise TypeError(f"{type(spider).__name__} is no AuthorSpider")
        return spider


async def _store_patiently(store: PageStore, batch: list[PageVisit]) -> None:
    written_at = utc_now()
    for pause in _PAUSES_SECONDS:
        try:
            return await store.store(batch, written_at)
        except ConnectionFailure as error:
            log.warning("waiting for the warehouse", error=str(error)[:300], seconds=pause)
            await asyncio.sleep(pause)
    return await store.store(batch, written_at)
