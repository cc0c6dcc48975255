"""A site: its pages are the union of what its feeds and its sitemaps list, on the same host only."""

from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from urllib.parse import urljoin

from twin_common.errors import InvalidUrl
from twin_common.identity import canonical_url
from twin_crawler.failures import Failure
from twin_crawler.feeds import WELL_KNOWN_FEEDS, FeedEntry, announced_feeds, feed_entries
from twin_crawler.link_shapes import is_site
from twin_crawler.sitemaps import WELL_KNOWN_SITEMAP, Sitemap, read_sitemap, sitemaps_of_robots
from twin_crawler.source import Finding, Found, Site, Source, same_site

# Large sites split their sitemap in files of at most 50,000 addresses; more files than this help nobody.
_MOST_SITEMAPS = 100


async def _find(site: Site) -> AsyncIterator[Finding]:
    """Feeds first, as they are newest first; then what is known, then what only the sitemap lists."""
    start = await site.fetch(site.link)
    if isinstance(start, Failure) and not start.reason.startswith("http_"):
        yield start
        return
    home = site.link if isinstance(start, Failure) else start.url
    given = b"" if isinstance(start, Failure) else start.body
    from_feed = feed_entries(given, home)
    sitemap = read_sitemap(given, home, site.max_bytes) if from_feed is None else None
    if from_feed is None and sitemap is None:
        from_feed = await _feed_entries(site, announced_feeds(given, home), home)
    waiting = [home] if sitemap else await _sitemap_addresses(site, home)
    from_sitemap = await _sitemap_pages(site, waiting, home)
    from_feed = from_feed or []
    places = [*(entry.url for entry in from_feed), *site.known, *from_sitemap.pages]
    listed = list(_pages(places, site.link, home))
    authors = {entry.url: entry.authors for entry in from_feed}
    has_several_authors = len({name.casefold() for names in authors.values() for name in names}) > 1
    if not listed:
        if isinstance(start, Failure):
            yield start
        yield Failure("nothing_listed", "the site has no feed and no sitemap that lists pages of this host")
    for count, url in enumerate(listed):
        if count == site.max_pages:
            yield Failure(
                "too_many_pages", f"the site lists more than {site.max_pages} pages; the rest is left out"
            )
            return
        yield Found(
            url,
            revision=from_sitemap.dates.get(url),
            revision_is_date=True,
            authors=authors.get(url, ()),
            has_several_authors=has_several_authors,
        )


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
    return None if isinstance(fetched, Failure) else feed_entries(fetched.body, fetched.url)


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
        sitemap = None if isinstance(fetched, Failure) else read_sitemap(fetched.body, url, site.max_bytes)
        if sitemap is not None:
            pages += sitemap.pages
            dates |= sitemap.dates
            waiting.extend(sitemap.sitemaps)
    return Sitemap(pages=tuple(pages), dates=dates)


def _pages(urls: Iterable[str], link: str, home: str) -> Iterator[str]:
    """The addresses of this site that may hold a document, each once: no root, feed or sitemap."""
    seen: set[str] = set()
    for url in urls:
        try:
            canonical = canonical_url(url)
        except InvalidUrl:
            continue
        if canonical in seen or is_site(url) or not (same_site(url, link) or same_site(url, home)):
            continue
        seen.add(canonical)
        yield url


SOURCE = Source(name="site", claims=is_site, find=_find, is_last_resort=True)
