"""What a source is: one way to find the pages behind a registered link."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from twin_common.authors import OptionValue
from twin_common.documents import Category
from twin_common.link_guard import LinkGuard
from twin_crawler.article_parts import join_parts
from twin_crawler.extraction import ExtractedPage, extract_page
from twin_crawler.failures import Failure

if TYPE_CHECKING:
    from twin_crawler.rendering import Renderer


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
    further: tuple["Fetched", ...] = ()
    """The parts that follow, of an article that is spread over several addresses."""
    cut_short: bool = False
    """Whether parts are missing at its end."""

    @property
    def bodies(self) -> tuple[bytes, ...]:
        """Of all parts, in their order."""
        return (self.body, *(part.body for part in self.further))


@dataclass(frozen=True)
class Found:
    """The address of a page that may hold a document."""

    url: str
    """Where a reader finds it."""
    request_url: str | None = None
    """What is fetched in its place: a platform's own answer about the page."""
    revision: str | None = None
    """What the listing says of the page's state; while it stays the same, the page is not fetched again."""
    revision_is_date: bool = False
    """Whether the revision is a date that people or simple tools keep: coarse, and sometimes forgotten."""
    authors: tuple[str, ...] = ()
    """Whom the listing names, for pages that name nobody."""
    has_several_authors: bool = False
    """Whether the place is one where others write too."""


@dataclass(frozen=True)
class ReadPage:
    """A page as its source read it."""

    page: ExtractedPage
    authors: tuple[str, ...] = ()
    """Whom the page names; empty where only `page.author` says it."""
    partial: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class File:
    """A document that a source holds in its hands, without an address to fetch."""

    url: str
    title: str
    text: str
    category: Category
    revision: str
    language: str | None = None
    published_at: datetime | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Removed:
    """A document that its source knows to be gone."""

    url: str


@dataclass(frozen=True)
class Followed:
    """Everything up to this revision of a place has been handed over; the next crawl begins behind it."""

    url: str
    revision: str


Finding = Found | File | Removed | Followed | Failure

Fetch = Callable[[str], Awaitable[Fetched | Failure]]
"""Fetches an address politely and safely; anything but a body with a 2xx status is a Failure."""

FetchChanged = Callable[[str, str], Awaitable[Fetched | Failure]]
"""Fetches an address that was known under an ETag; a Failure `NOT_MODIFIED` where it is as it was."""

Read = Callable[[Fetched, str], ReadPage | Failure]
"""Reads an answer; the second argument is the address under which a reader finds the page."""


def read_html(fetched: Fetched, url: str) -> ReadPage | Failure:
    """Read a page of any site."""
    kind = fetched.content_type.split(";")[0].strip().lower()
    if kind not in ("text/html", "application/xhtml+xml") and (kind or b"<" not in fetched.body[:1024]):
        return Failure("not_html", f"the server sent {fetched.content_type or 'an unknown type'}")
    page = extract_page(fetched.body, url, fetched.content_type)
    if isinstance(page, Failure):
        return page
    following = (extract_page(part.body, part.url, part.content_type) for part in fetched.further)
    texts = [page.text, *(part.text for part in following if not isinstance(part, Failure))]
    return ReadPage(replace(page, text=join_parts(texts)), partial=fetched.cut_short)


def _knows_nothing(_: str) -> str | None:
    return None


async def _fetches_nothing(url: str, _: str) -> Fetched | Failure:
    return Failure("unreachable", f"there is no way to {url}")


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
    revision_of: Callable[[str], str | None] = _knows_nothing
    """The revision under which a page was last read, or a place last followed."""
    fetch_changed: FetchChanged = _fetches_nothing
    """For listings whose ETag was remembered."""
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    """What the owner says of the link to its source; other than `Source.options` names, none is looked at."""
    guard: LinkGuard = field(default_factory=LinkGuard)
    """For sources that do not go through `fetch`."""
    user_agent: str = "twin-crawler"
    browser: "Renderer | None" = None
    """For places that are shown only in a browser."""
    secret: Callable[[str], str | None] = _knows_nothing
    """The secret that the owner's credentials name for a place, such as `linkedin`; None: there is none."""


@dataclass(frozen=True)
class Source:
    """One kind of place where an author publishes.

    `hosts` names the hosts it knows, subdomains included; without any it takes links of every host.
    Among those `claims` decides by the link alone.
    """

    name: str
    claims: Callable[[str], bool]
    find: Callable[[Site], AsyncIterator[Finding]]
    hosts: frozenset[str] = frozenset()
    is_last_resort: bool = False
    """Whether it takes a link only when no other source does."""
    options: frozenset[str] = frozenset()
    """The names of the options that it knows."""
    recognises: Callable[[Fetched], bool] | None = None
    """Whether a front page is that of such a place under a domain of its own."""
    read: Read = read_html
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
