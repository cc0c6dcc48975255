"""What a crawl downloads besides its pages: feeds, sitemaps and front pages, and what a browser asks for."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from scrapy import Request
from scrapy.http import Response

from twin_common.link_guard import LinkGuard
from twin_crawler.browser_requests import Answer
from twin_crawler.download_failures import failure_of
from twin_crawler.failures import Failure, failure_of_status
from twin_crawler.source import Fetched

_PERMANENT = frozenset((301, 308, "meta refresh"))


@dataclass(frozen=True)
class Downloads:
    """Asks the crawl's own engine, so that its guard, limits and pace hold for everything."""

    ask: Callable[[Request], Awaitable[Response]]
    """The engine's download."""
    guard: LinkGuard

    async def fetch(self, url: str) -> Fetched | Failure:
        """What a source asks for; anything but a body with a 2xx status is a Failure."""
        return await self.fetch_changed(url, "")

    async def fetch_changed(self, url: str, etag: str) -> Fetched | Failure:
        """The same, unless it is as it was under an ETag: a Failure `NOT_MODIFIED`."""
        response = await self._download(url, {"If-None-Match": etag} if etag else {}, {})
        if isinstance(response, Failure):
            return response
        if not 200 <= response.status < 300:
            return failure_of_status(response.status)
        return as_fetched(response)

    async def answer(self, url: str, headers: Mapping[str, str], signed_in: bool) -> Answer | Failure:
        """What a page in the browser asks for.

        robots.txt speaks to crawlers; what the owner reads of their own with their own session it does not
        bind.
        """
        response = await self._download(url, headers, {"dont_obey_robotstxt": signed_in})
        if isinstance(response, Failure):
            return response
        pairs = tuple(
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, values in response.headers.items()
            for value in values
        )
        return Answer(response.url, response.status, pairs, response.body)

    async def _download(
        self, url: str, headers: Mapping[str, str], meta: Mapping[str, bool]
    ) -> Response | Failure:
        try:
            self.guard.vet_url(url)
            request = Request(url, headers=dict(headers), meta=dict(meta), dont_filter=True)
            return await self.ask(request)
        except Exception as error:
            return failure_of(error)


def as_fetched(response: Response) -> Fetched:
    """A response as sources and readers know it."""
    redirects = response.meta.get("redirect_reasons", []) if response.request else []
    return Fetched(
        url=response.url,
        status=response.status,
        body=response.body,
        content_type=_header(response, "Content-Type") or "",
        etag=_header(response, "ETag"),
        last_modified=_header(response, "Last-Modified"),
        moved_for_good=all(reason in _PERMANENT for reason in redirects),
    )


def _header(response: Response, name: str) -> str | None:
    value = response.headers.get(name)
    return value.decode("latin-1") if value else None
