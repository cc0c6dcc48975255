"""Renders pages that need JavaScript, in a Chromium that the machine has and that reaches no network itself.

Every request of a page comes back here, is fetched by the crawl's own guarded downloader, and is answered to
the browser with the body: so the browser sees only what the link guard let through, at the vetted address,
under the crawl's limits and pace. What is not answered so (websockets, WebRTC, speculative connections) finds
no name and no address.
"""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from twin_crawler.browser_requests import Answers, Cookie, Download, PageLimits, RenderPolicy
from twin_crawler.failures import Failure
from twin_crawler.source import Fetched

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--force-webrtc-ip-handling-policy",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-quic",
    "--disable-sync",
    "--dns-prefetch-disable",
    "--no-pings",
    "--js-flags=--max-old-space-size=512",
)
_SETTLED_SECONDS = 15.0
_NOSCRIPT = re.compile(rb"<noscript[^>]*>(.*?)</noscript>", re.IGNORECASE | re.DOTALL)


def as_rendered(plain: Fetched, rendered: Fetched) -> Fetched:
    """The plain answer with what its scripts made of it; no validator of the shell vouches for that."""
    return replace(
        plain,
        url=rendered.url,
        body=rendered.body,
        content_type=rendered.content_type,
        etag=None,
        last_modified=None,
    )


def is_shell(body: bytes, text: str) -> bool:
    """Whether all that was read of a page is what it tells readers without scripts."""
    told = b" ".join(_NOSCRIPT.findall(body)).decode("utf-8", "replace")
    words = re.findall(r"\w+", text)
    return bool(words) and " ".join(words) in " ".join(re.findall(r"\w+", re.sub(r"<[^>]*>", " ", told)))


class PageFailed(Exception):
    """A page cannot be shown; `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


class ShownPage:
    """A page in the browser."""

    def __init__(self, page: "Page", answers: "Answers") -> None:
        self._page = page
        self._answers = answers

    @property
    def url(self) -> str:
        """Where the page came from, after redirects."""
        return self._answers.document_url or self._page.url

    def take_data(self) -> list[bytes]:
        """What the page has fetched since the last call, scripts left out."""
        data, self._answers.data = self._answers.data, []
        return data

    async def html(self) -> str:
        """The page as it stands now.

        Raises:
            PageFailed: it has grown larger than is accepted.
        """
        limit = self._answers.limits.bytes
        html: str = await self._page.evaluate(
            "limit => document.documentElement.outerHTML.slice(0, limit + 1)", limit
        )
        if len(html) > limit:
            raise PageFailed(Failure("too_large", f"the rendered page has more than {limit} characters"))
        return html

    async def scroll_to_end(self, pause_seconds: float) -> None:
        """Scroll down, so that the page loads more, and let it settle."""
        # Up first: a page that listens for movement hears nothing of a reader who is at the end already.
        await self._page.evaluate("window.scrollBy(0, -200)")
        await self._page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
        await asyncio.sleep(pause_seconds)
        await self.settle()

    async def settle(self) -> None:
        """Wait until nothing is being fetched, at most for some seconds."""
        from playwright.async_api import TimeoutError as PlaywrightTimeout

        with suppress(PlaywrightTimeout):
            await self._page.wait_for_load_state("networkidle", timeout=_SETTLED_SECONDS * 1000)


class Renderer:
    """The browser of one crawl, started when the first page needs it, one page at a time."""

    def __init__(self, download: Download, policy: RenderPolicy) -> None:
        self._download = download
        self._policy = policy
        self._turn = asyncio.Lock()
        self._browser: Browser | None = None
        self._driver: Any = None
        self._pages = 0

    async def render(self, url: str) -> Fetched | Failure:
        """The page at `url` after its scripts ran; a Failure says why there is none."""
        try:
            async with self.show(url) as page:
                await page.settle()
                html = await page.html()
                return Fetched(
                    url=page.url, status=200, body=html.encode(), content_type="text/html; charset=utf-8"
                )
        except PageFailed as error:
            return error.failure

    @asynccontextmanager
    async def show(
        self, url: str, cookies: Sequence[Cookie] = (), limits: PageLimits | None = None
    ) -> AsyncIterator[ShownPage]:
        """Open a page in a context of its own, which is closed whatever happens.

        Args:
            url: the page.
            cookies: what the context starts with.
            limits: what it may cost; by default what the policy says.

        Raises:
            PageFailed: `no_browser`, `too_many_pages`, `render_timeout`, `render_failed`, or what the
                downloader says of the page itself.
        """
        from twin_crawler.download_failures import failure_of

        limits = limits or self._policy.limits
        async with self._turn:
            try:
                async with asyncio.timeout(limits.seconds):
                    async with self._open(url, cookies, limits) as page:
                        yield page
            except TimeoutError as error:
                await self._close()  # a script that never ends holds its process
                raise PageFailed(
                    Failure("render_timeout", f"the page was not done in {limits.seconds:g} seconds")
                ) from error
            except PageFailed:
                raise
            except Exception as error:
                if type(error).__module__.startswith("playwright"):
                    await self._close()
                    sentence = str(error).split("\n", 1)[0]
                    raise PageFailed(Failure("render_failed", f"the browser failed: {sentence}")) from error
                raise PageFailed(failure_of(error)) from error

    async def close(self) -> None:
        """End the browser; nothing of it stays behind."""
        async with self._turn:
            await self._close()

    @asynccontextmanager
    async def _open(
        self, url: str, cookies: Sequence[Cookie], limits: PageLimits
    ) -> AsyncIterator[ShownPage]:
        self._pages += 1
        if self._pages > self._policy.pages:
            detail = f"this crawl has rendered {self._policy.pages} pages already"
            raise PageFailed(Failure("too_many_pages", detail))
        browser = await self._start()
        context = await browser.new_context(
            user_agent=_user_agent(browser.version, self._policy.name),
            accept_downloads=False,
            service_workers="block",
            permissions=[],
        )
        try:
            await context.add_cookies(
                [
                    {
                        "name": cookie.name,
                        "value": cookie.value,
                        "domain": cookie.host,
                        "path": "/",
                        "httpOnly": True,
                        "secure": cookie.secure,
                    }
                    for cookie in cookies
                ]
            )
            answers = Answers(context, self._download, limits, signed_in=bool(cookies))
            await context.route("**/*", answers.answer)
            page = await context.new_page()
            context.on("page", _close_popup)
            with _navigation_errors_told():
                await page.goto(url, wait_until="load", timeout=0)
            if answers.failure is not None:
                raise PageFailed(answers.failure)
            yield ShownPage(page, answers)
        finally:
            with suppress(Exception):
                await asyncio.wait_for(context.close(), 5)

    async def _start(self) -> "Browser":
        if self._browser is not None and self._browser.is_connected():
            return self._browser
        try:
            from playwright.async_api import async_playwright
        except ImportError as error:
            detail = "pages that need JavaScript want the package's extra: install twin-crawler[browser]"
            raise PageFailed(Failure("no_browser", detail)) from error
        path = self._policy.chromium or next(filter(None, map(shutil.which, _NAMES)), None)
        if path is None or shutil.which(path) is None:
            detail = f"no {path or 'Chromium'} on this machine: install it (Debian: apt-get install chromium)"
            raise PageFailed(Failure("no_browser", detail))
        if self._driver is None:
            self._driver = await async_playwright().start()
        # Chromium's sandbox does not work for root; containers run the crawler as another user.
        sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
        self._browser = await self._driver.chromium.launch(
            executable_path=path,
            headless=True,
            args=[*_FLAGS, *sandbox],
            handle_sigint=False,
            handle_sigterm=False,
            handle_sighup=False,
        )
        return self._browser

    async def _close(self) -> None:
        browser, self._browser = self._browser, None
        driver, self._driver = self._driver, None
        if browser is not None:
            with suppress(Exception):
                await asyncio.wait_for(browser.close(), 10)
        if driver is not None:
            with suppress(Exception):
                await asyncio.wait_for(driver.stop(), 10)


def _user_agent(version: str, name: str) -> str:
    """What a browser says of itself, and who drives it."""
    major = version.split(".", 1)[0]
    engine = f"AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Safari/537.36"
    return f"Mozilla/5.0 (X11; Linux x86_64) {engine} {name}"


def _navigation_errors_told() -> Any:
    """An aborted document is told by the answers; the browser's own words for it add nothing."""
    from playwright.async_api import Error

    return suppress(Error)


async def _close_popup(page: "Page") -> None:
    with suppress(Exception):
        await page.close()
