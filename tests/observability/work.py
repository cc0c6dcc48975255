"""What people do with a platform: crawl, import, search, ask."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.observability.prometheus_server import PrometheusServer, prometheus
from twin_common.authors import Author
from twin_common.documents import Category, DocumentDraft
from twin_common.identity import parse_author_id
from twin_common.warehouse import Warehouse
from twin_crawler.testing.mock_site import MockSite, article, serve
from twin_local.api import ApiClient
from twin_local.authors import register_author
from twin_local.connection import Connection
from twin_local.crawls import follow_run, request_crawl
from twin_local.home import TwinHome
from twin_local.platform import Platform, PlatformOptions, port_variable, services
from twin_local.ports import free_port
from twin_local.status import platform_status

_ADA = parse_author_id("ada")
_SECONDS = 120
_POSTS = 12
"""Enough of a length from which an author's style can be told."""
_WORDS = "the of and a to in is it was for on with as at by from ice lamp fog tide rope night watch"


@asynccontextmanager
async def platform_at_work(folder: Path) -> AsyncIterator[PrometheusServer]:
    """A platform that has worked twice, and a Prometheus that saw every counter before and after it grew."""
    home = TwinHome(folder / "home")
    with serve(MockSite()) as site:
        environment = {
            "CRAWLER_TRUSTED_ENDPOINTS": site.endpoint,
            "CRAWLER_DOWNLOAD_DELAY_SECONDS": "0",
        }
        options = PlatformOptions(home, api_port=free_port(), environment=environment)
        async with Platform(options) as platform:
            ports = {name: int(platform.environment[port_variable(name)]) for name in services()}
            connection = Connection(home, platform.environment)
            async with prometheus(folder / "prometheus", ports) as server:
                await server.until_scraped(len(ports))
                await do_some_work(connection, site, 1)
                await server.until_scraped(len(ports))
                await do_some_work(connection, site, 2)
                await server.until_scraped(len(ports))
                yield server


async def do_some_work(connection: Connection, site: MockSite, number: int) -> None:
    """One round; each brings documents of its own, so that each moves every counter that it can move."""
    site.pages[f"/posts/{number}"] = article(
        f"The beacon {number}",
        f"Beacon {number} turns once every nine seconds, is seen for miles in a clear night, and has been "
        "turned by hand, by weights and by a motor, of which the weights were the quietest, the hand was the "
        "slowest, and the motor, which came last and was never liked, was the only one that ever stopped.",
    )
    pages = [path for path in site.pages if path.startswith("/posts/")]
    site.list_in_sitemap([*pages, f"/posts/missing-{number}"])
    await register_author(connection, Author(author_id=_ADA, name="Ada", links=(site.url,)))
    async with Warehouse(connection.warehouse) as warehouse:
        run_id = await request_crawl(connection.kafka, _ADA)
        await follow_run(warehouse, _ADA, run_id, lambda _: None)
        await warehouse.documents.put_many([_post(f"{number}-{entry}") for entry in range(_POSTS)])
    await _until_searchable(connection, documents=(1 + _POSTS) * number)
    async with ApiClient(connection.api_url, connection.key(_ADA)) as api:
        assert await api.search("How fast does the beacon turn?", 3)
        pieces = [piece async for piece in api.answer("How fast does the beacon turn?")]
        assert pieces


def _post(name: str) -> DocumentDraft:
    words = random.Random(name).choices(
        _WORDS.split(), k=80
    )  # unlike each other: near copies are searched once
    text = f"Post {name} tells of a night in harbour {name}: {' '.join(words)}."
    return DocumentDraft.at(_ADA, f"https://ada.example/{name}", category=Category.POST, text=text)


async def _until_searchable(connection: Connection, documents: int) -> None:
    async with asyncio.timeout(_SECONDS):
        while True:
            counts = (await platform_status(connection)).counts
            if counts["total"] >= documents and not counts["pending"]:
                return
            await asyncio.sleep(0.2)
