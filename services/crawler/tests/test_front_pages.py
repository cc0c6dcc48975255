"""Front pages are fetched once a crawl, however many ask at once."""

import asyncio

from twin_crawler.failures import Failure
from twin_crawler.front_pages import FrontPages
from twin_crawler.source import Fetched

HOME = "https://blog.example.org/"


class TestFrontPages:
    async def test_one_fetch_for_all_who_ask_and_every_other_page_each_time(self) -> None:
        asked: list[str] = []

        async def fetch(url: str) -> Fetched | Failure:
            asked.append(url)
            await asyncio.sleep(0)
            return Fetched(url, 200, b"x")

        pages = FrontPages(fetch)
        answers = await asyncio.gather(
            *(pages.get(HOME) for _ in range(3)), pages.fetch(HOME), pages.fetch(HOME.removesuffix("/"))
        )
        assert len(set(map(id, answers))) == 1
        await pages.fetch(f"{HOME}feed")
        await pages.fetch(f"{HOME}feed")
        assert asked == [HOME, f"{HOME}feed", f"{HOME}feed"]

    async def test_a_failure_is_remembered_too(self) -> None:
        asked: list[str] = []

        async def fetch(url: str) -> Fetched | Failure:
            asked.append(url)
            return Failure("dns", "the host's name does not resolve")

        pages = FrontPages(fetch)
        assert await pages.get(HOME) == await pages.fetch(HOME)
        assert asked == [HOME]
