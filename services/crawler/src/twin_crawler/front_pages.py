"""The front page of each host, fetched once a crawl however many look at it."""

import asyncio
from urllib.parse import urlsplit

from twin_crawler.failures import Failure
from twin_crawler.source import Fetch, Fetched


class FrontPages:
    """Remembers front pages: the dispatcher asks them what stands behind a host, and a source reads them."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._under_way: dict[str, asyncio.Task[Fetched | Failure]] = {}

    async def get(self, url: str) -> Fetched | Failure:
        """The front page at this address, from memory where it was asked for before."""
        if url not in self._under_way:
            self._under_way[url] = asyncio.create_task(self._answer(url))
        return await self._under_way[url]

    async def fetch(self, url: str) -> Fetched | Failure:
        """Any page; a front page from memory."""
        parts = urlsplit(url)
        front = f"{parts.scheme}://{parts.netloc}/"
        return await self.get(front) if url in (front, front.removesuffix("/")) else await self._fetch(url)

    async def _answer(self, url: str) -> Fetched | Failure:
        return await self._fetch(url)
