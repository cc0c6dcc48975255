"""Answers what a page in the browser asks for, within the page's limits."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from twin_crawler.failures import Failure

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Request, Route

_ANSWERED = frozenset(("document", "script", "stylesheet", "xhr", "fetch"))
_DATA = frozenset(("document", "xhr", "fetch"))
# The downloader has its own, or they describe a connection that is not the browser's.
_NOT_FORWARDED = ("host", "connection", "cookie", "accept-encoding", "content-", "if-", "sec-")
_NOT_RETURNED = ("content-encoding", "content-length", "transfer-encoding", "connection", "keep-alive")


@dataclass(frozen=True)
class PageLimits:
    """What one page in the browser may cost."""

    seconds: float = 60.0
    requests: int = 100
    bytes: int = 20 * 1024 * 1024
    """Of all bodies of the page, and of the rendered page itself."""


@dataclass(frozen=True)
class RenderPolicy:
    """How a crawl uses the browser."""

    chromium: str | None = None
    """The browser's path; by default the first of Chromium and Chrome on PATH."""
    name: str = "twin-crawler"
    """What the browser calls itself, behind what every Chromium says."""
    limits: PageLimits = PageLimits()
    pages: int = 500
    """How many pages one crawl renders."""


@dataclass(frozen=True)
class Answer:
    """What the downloader brought."""

    url: str
    """The address that answered, after redirects."""
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


Download = Callable[[str, Mapping[str, str], bool], Awaitable[Answer | Failure]]
"""Fetches an address with these headers, guarded and politely; the last argument tells whether it is for a
page that the owner reads with their own session."""


@dataclass(frozen=True)
class Cookie:
    """A cookie that a page's host gets; `value` is a secret."""

    name: str
    value: str = field(repr=False)
    host: str
    secure: bool = True


class Answers:
    """Answers the requests of one page out of the downloader, within the page's limits."""

    def __init__(
        self, context: "BrowserContext", download: Download, limits: PageLimits, signed_in: bool
    ) -> None:
        self._context = context
        self._download = download
        self._signed_in = signed_in
        self.limits = limits
        self._requests = 0
        self._bytes = 0
        self.data: list[bytes] = []
        """Pages and data, without scripts."""
        self.document_url: str | None = None
        self.failure: Failure | None = None

    async def answer(self, route: "Route") -> None:
        """Fulfil a request, or abort it: another method, another kind, over a limit, or not let through."""
        request = route.request
        is_page = _is_page(request)
        if (
            is_page is None
            or request.method != "GET"
            or request.resource_type not in _ANSWERED
            or not self._takes_another()
        ):
            await _quietly(route.abort("blockedbyclient"))
            return
        answer = await self._download(request.url, await self._headers(route), self._signed_in)
        if isinstance(answer, Failure):
            self.failure = answer if is_page else self.failure
            await _quietly(route.abort("failed"))
            return
        self._bytes += len(answer.body)
        if self._bytes > self.limits.bytes:
            if is_page:
                self.failure = Failure("too_large", f"the page has more than {self.limits.bytes} bytes")
            await _quietly(route.abort("blockedbyclient"))
            return
        if request.resource_type in _DATA:
            self.data.append(answer.body)
        if is_page:
            self.document_url, self.failure = answer.url, None
        await self._keep_cookies(answer)
        headers = {
            name: value
            for name, value in answer.headers
            if name.lower() not in (*_NOT_RETURNED, "set-cookie", "location", "refresh")
        }
        await _quietly(route.fulfill(status=answer.status, headers=headers, body=answer.body))

    def _takes_another(self) -> bool:
        self._requests += 1
        return self._requests <= self.limits.requests and self._bytes < self.limits.bytes

    async def _headers(self, route: "Route") -> dict[str, str]:
        headers = {
            name: value
            for name, value in route.request.headers.items()
            if not name.startswith((*_NOT_FORWARDED, ":"))
        }
        cookies = await self._context.cookies(route.request.url)
        if cookies:
            headers["cookie"] = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in cookies)
        return headers

    async def _keep_cookies(self, answer: Answer) -> None:
        """Put what the server sets into the context, for the host that set it and no other."""
        from http.cookies import CookieError, SimpleCookie

        for name, value in answer.headers:
            if name.lower() != "set-cookie":
                continue
            with suppress(CookieError):
                for morsel in SimpleCookie(value).values():
                    if morsel["max-age"] == "0":
                        continue
                    await self._context.add_cookies(
                        [{"name": morsel.key, "value": morsel.coded_value, "url": answer.url}]
                    )


def _is_page(request: "Request") -> bool | None:
    """Whether a request is for the page itself; None: for a window that it opens, which gets nothing."""
    from playwright.async_api import Error

    try:
        return request.is_navigation_request() and request.frame.parent_frame is None
    except Error:  # such a window asks before it has a frame
        return None


async def _quietly(action: Awaitable[None]) -> None:
    """Answer a request whose page may be gone by now."""
    with suppress(Exception):
        await action
