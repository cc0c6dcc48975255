"""The page in a real Chromium over the service as it runs; a test fails if the browser complains."""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    async_playwright,
    expect,
)
from pydantic import SecretStr

from twin_common.warehouse import Warehouse, WarehouseSettings

from ..conftest import ADA, Api, connected, emptied, running, serving
from ..upstream import Upstream
from .material import fill

SCREENSHOTS = Path(__file__).parents[4] / ".cache/screenshots"
"""Kept by CI; nothing reads them but people."""
WAIT_MS = 60_000
expect.set_options(timeout=WAIT_MS)
_LIMIT_SECONDS = 60
"""For what Playwright itself never gives up on: a browser that hangs is one failure, not a lost hour."""
_FLAGS = ("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage")
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass
class Site:
    """A platform with an author who has published, and a browser to look at it."""

    api: Api
    upstream: Upstream
    warehouse: Warehouse
    browser: Browser

    @property
    def key(self) -> str:
        return self.api.keys[ADA]


@dataclass
class Visit:
    """A page, and what the browser found wrong with it."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    tolerated: list[str] = field(default_factory=list)
    """Patterns of complaints that the test provokes."""

    async def open(self, view: str = "", key: str | None = None) -> None:
        """Go to a view; with a key, as by the link that `twin up` prints."""
        if key:
            await self.page.goto(f"{self.url}/#key={key}")
            await self.page.locator("#side").wait_for()
        await self.page.goto(f"{self.url}/#/{view}")
        name = view.partition("/")[0]
        await self.page.locator(f"#nav a[data-view='{name}'][aria-current]").wait_for()

    async def clipboard(self) -> str:
        async with asyncio.timeout(_LIMIT_SECONDS):
            text: str = await self.page.evaluate("navigator.clipboard.readText()")
        return text

    async def picture(self, name: str, *, full: bool = True) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=full, animations="disabled")

    def untolerated(self) -> list[str]:
        """Complaints that the test did not provoke."""
        known = "|".join(self.tolerated) or r"(?!)"
        return [text for text in self.complaints if not re.search(known, text)]


OpenVisit = Callable[..., Any]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(mongodb_url: str, qdrant_url: str, kafka_bootstrap: str) -> AsyncIterator[Site]:
    """One platform and one browser for all tests of a file."""
    database = WarehouseSettings(url=SecretStr(mongodb_url), database=f"test_{uuid4().hex}")
    upstream = Upstream()
    async with AsyncExitStack() as stack:
        warehouse = await stack.enter_async_context(Warehouse(database))
        await stack.enter_async_context(emptied(connected(qdrant_url)))
        model = await stack.enter_async_context(serving(upstream.app))
        settings = {"llm_url": f"{model}/v1", "llm_model": "small"}
        api = await stack.enter_async_context(running(database, qdrant_url, kafka_bootstrap, settings))
        await fill(api, warehouse)
        playwright = await stack.enter_async_context(async_playwright())
        sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
        browser = await playwright.chromium.launch(executable_path=_chromium(), args=[*_FLAGS, *sandbox])
        yield Site(api, upstream, warehouse, browser)
        async with asyncio.timeout(_LIMIT_SECONDS):
            await browser.close()
        await warehouse.client.drop_database(database.database)


@pytest_asyncio.fixture(loop_scope="module")
async def visiting(site: Site) -> AsyncIterator[OpenVisit]:
    """Opens pages of their own; at the end none may have complained or asked another host for anything."""
    visits: list[Visit] = []
    contexts: list[BrowserContext] = []

    async def visit(**options: Any) -> Visit:
        async with asyncio.timeout(_LIMIT_SECONDS):
            context = await site.browser.new_context(**{"locale": "en-GB", "timezone_id": "UTC"} | options)
            contexts.append(context)
            context.set_default_timeout(WAIT_MS)
            page = await context.new_page()
        made = Visit(page, site.api.url)

        def on_console(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                made.complaints.append(f"{message.text} ({message.location.get('url', '')})")

        def on_request(request: Request) -> None:
            if not request.url.startswith((site.api.url, "data:", "blob:")):
                made.complaints.append(f"it asked elsewhere: {request.url}")

        page.on("console", on_console)
        page.on("pageerror", lambda error: made.complaints.append(str(error)))
        page.on("request", on_request)
        visits.append(made)
        return made

    yield visit
    async with asyncio.timeout(_LIMIT_SECONDS):
        for context in contexts:
            await context.close()
    assert [made.untolerated() for made in visits if made.untolerated()] == []


def _chromium() -> str:
    found = next(filter(None, map(shutil.which, _CHROMIUM)), None)
    if found is None:
        pytest.skip("Chromium is missing: run tests/servers/install-chromium.sh")
    return found
