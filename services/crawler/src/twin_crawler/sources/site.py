"""A site: its pages are the union of what its feeds and its sitemaps list, on the same host only.

The option `under` leaves all pages out that do not lie below a path, such as `/blog/` of a company's site.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

from twin_common.errors import InvalidUrl
from twin_common.identity import canonical_url
from twin_crawler.failures import Failure
from twin_crawler.feeds import WELL_KNOWN_FEEDS, FeedEntry, announced_feeds, feed_entries
from twin_crawler.link_shapes import is_site
from twin_crawler.listing_dates import latest_date
from twin_crawler.sitemaps import WELL_KNOWN_SITEMAP, Sitemap, read_sitemap, sitemaps_of_robots
from twin_crawler.source import Finding, Found, Site, Source, same_site

# Large sites split their sitemap in files of at most 50,000 addresses; more files than this help nobody.
_MOST_SITEMAPS = 100

Fact = TypeVar("Fact")


async def _find(site: Site) -> AsyncIterator[Finding]:
    """Feeds first, as they are newest first; then what is known, then what only the sitemap lists."""
    start = await site.fetch(site.link)
    if isinstance(start, Failure) and not start.reason.startswith("http_"):
        yield start
        return
    home = site.link if isinstance(start, Failure) else start.url
    given = b"" if isinstance(start, Failure) else start.body
    from_feed = await asyncio.to_thread(feed_entries, given, home)
    sitemap = read_sitemap(given, home, site.max_bytes) if from_feed is None else None
    if from_feed is None and sitemap is None:
        from_feed = await _feed_entries(site, announced_feeds(given, home), home)
    waiting = [home] if sitemap else await _sitemap_addresses(site, home)
    from_sitemap = await _sitemap_pages(site, waiting, home)
    listed = await asyncio.to_thread(_listed, site, home, from_feed or [], from_sitemap)
    if not listed:
        if isinstance(start, Failure):
            yield start
        yield Failure("nothing_listed", "the site has no feed and no sitemap that lists pages of this host")
    for found in listed[: site.max_pages]:
        yield found
    if len(listed) > site.max_pages:
        yield Failure(
            "too_many_pages", f"the site lists more than {site.max_pages} pages; the rest is left out"
        )


def _listed(site: Site, home: str, entries: Sequence[FeedEntry], sitemap: Sitemap) -> list[Found]:
    """Every page of the site once, with what feeds and sitemaps say of it."""
    places = [*(entry.url for entry in entries), *site.known, *sitemap.pages]
    by_feed = _by_address((entry.url, entry) for entry in entries)
    by_sitemap = _by_address(sitemap.dates.items())
    names = {name.casefold() for entry in entries for name in entry.authors}
    found: list[Found] = []
    under = str(site.options.get("under", "")).strip("/")
    for canonical, url in _pages(places, site.link, home):
        if not f"{urlsplit(url).path.strip('/')}/".startswith(f"{under}/" if under else ""):
            continue
        entry = by_feed.get(canonical)
        found.append(
            Found(
                url,
                # The date of publication says nothing of edits.
                revision=latest_date(by_sitemap.get(canonical), entry.updated if entry else None),
                revision_is_date=True,
                authors=entry.authors if entry else (),
                has_several_authors=len(names) > 1,
            )
        )
    return found


async def _feed_entries(site: Site, announced: list[str], home: str) -> list[FeedEntry]:
    """The entries of every announced feed, else of the first well-known address that is one."""
    entries: list[FeedEntry] = []
    for url in [url for url in announced if same_site(url, home)]:
        entries += await _entries_at(site, url) or []
    if entries or announced:
        return entries
    for path in WELL_KNOWN_FEEDS:
        found = await _entries_at(site, urljoin(home, path))
        if found is not None:
            return found
    return []


async def _entries_at(site: Site, url: str) -> list[FeedEntry] | None:
    fetched = await site.fetch(url)
    if isinstance(fetched, Failure):
        return None
    # Ten thousand entries take more than a second.
    return await asyncio.to_thread(feed_entries, fetched.body, fetched.url)


async def _sitemap_addresses(site: Site, home: str) -> list[str]:
    robots = await site.fetch(urljoin(home, "/robots.txt"))
    named = [] if isinstance(robots, Failure) else sitemaps_of_robots(robots.body, robots.url)
    return named or [urljoin(home, WELL_KNOWN_SITEMAP)]


async def _sitemap_pages(site: Site, addresses: Iterable[str], home: str) -> Sitemap:
    waiting, seen, pages = deque(addresses), set[str](), list[str]()
    dates: dict[str, str] = {}
    while waiting and len(seen) < _MOST_SITEMAPS and len(pages) <= site.max_pages:
        url = waiting.popleft()
        if url in seen or not same_site(url, home):
            continue
        seen.add(url)
        fetched = await site.fetch(url)
        if isinstance(fetched, Failure):
            continue
        sitemap = await asyncio.to_thread(read_sitemap, fetched.body, url, site.max_bytes)
        if sitemap is not None:
            pages += sitemap.pages
            dates |= sitemap.dates
            waiting.extend(sitemap.sitemaps)
    return Sitemap(pages=tuple(pages), dates=dates)


def _pages(urls: Iterable[str], link: str, home: str) -> Iterator[tuple[str, str]]:
    """The canonical and the listed address of each page that may hold a document: no root, no feed."""
    seen: set[str] = set()
    for url in urls:
        canonical = _canonical(url)
        if canonical is None or canonical in seen or is_site(url):
            continue
        if same_site(url, link) or same_site(url, home):
            seen.add(canonical)
            yield canonical, url


def _by_address(facts: Iterable[tuple[str, Fact]]) -> dict[str, Fact]:
    """What is said of pages, by their canonical address: feeds and sitemaps may write it in two ways."""
    return {canonical: fact for url, fact in facts if (canonical := _canonical(url)) is not None}


def _canonical(url: str) -> str | None:
    try:
        return canonical_url(url)
    except InvalidUrl:
        return None


SOURCE = Source(name="site", claims=is_site, find=_find, is_last_resort=True, options=frozenset(("under",)))
