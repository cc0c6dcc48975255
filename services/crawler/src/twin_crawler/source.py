"""What a source is: one way to find the pages behind a registered link."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from twin_common.documents import Category
from twin_crawler.failures import Failure


@dataclass(frozen=True)
class Fetched:
    """A page as it came, after redirects."""

    url: str
    """The address that answered in the end."""
    status: int
    body: bytes
    content_type: str = ""
    etag: str | None = None
    last_modified: str | None = None
    moved_for_good: bool = True
    """Whether every redirect on the way was a permanent one."""


@dataclass(frozen=True)
class Found:
    """The address of a page that may hold a document."""

    url: str
    revision: str | None = None
    """What the listing says of the page's state; while it stays the same, the page is not fetched again."""


Fetch = Callable[[str], Awaitable[Fetched | Failure]]
"""Fetches an address politely and safely; anything but a body with a 2xx status is a Failure."""


@dataclass(frozen=True)
class Site:
    """A registered link under crawl, and what a source needs to find its pages."""

    link: str
    fetch: Fetch
    known: tuple[str, ...]
    """Addresses that earlier crawls of the link found; they are looked at again even if unlisted now."""
    max_pages: int
    """How many pages may be listed; a crawl fetches fewer, and later crawls the rest."""
    max_bytes: int


@dataclass(frozen=True)
class Source:
    """One kind of place where an author publishes.

    `hosts` names the hosts it knows, subdomains included; without any it takes links of every host.
    Among those `claims` decides by the link alone.
    """

    name: str
    claims: Callable[[str], bool]
    find: Callable[[Site], AsyncIterator[Found | Failure]]
    hosts: frozenset[str] = frozenset()
    category: Category = Category.ARTICLE
    platform: str = "web"

    def knows_host_of(self, link: str) -> bool:
        """Whether the link's host is one of `hosts` or lies below one."""
        host = host_of(link)
        return any(host == known or host.endswith("." + known) for known in self.hosts)


def host_of(url: str) -> str:
    """The host of an address in lower case, without a final dot."""
    return (urlsplit(url).hostname or "").rstrip(".")


def same_site(url: str, other: str) -> bool:
    """Whether two addresses lie on the same host and port; `www.` makes no difference."""
    return _site_of(url) == _site_of(other)


def _site_of(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    port = parts.port if parts.port not in (None, 80, 443) else 0
    return host_of(url).removeprefix("www."), port or 0
