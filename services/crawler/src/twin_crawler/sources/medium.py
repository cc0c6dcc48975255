"""Medium: a profile or a publication, on medium.com, on a subdomain or under a domain of its own.

On medium.com a place has a feed under `/feed/…` with its newest ten stories; a host of its own has a feed
and a sitemap as any site does. A story is read from the state that its page carries.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import urljoin, urlsplit, urlunsplit

from twin_crawler.failures import Failure
from twin_crawler.feeds import feed_entries
from twin_crawler.fragments import read_fragment
from twin_crawler.medium_state import read_post
from twin_crawler.source import Fetched, Finding, Found, ReadPage, Site, Source, host_of, read_html
from twin_crawler.sources import site as any_site

_HOSTS = frozenset(("medium.com", "www.medium.com"))
_STORY = re.compile(r"(?:.*-)?([0-9a-f]{8,12})")
_PLACE_PATH = re.compile(r"/(?:@[^/]+|[a-z0-9][^/]*)/?", re.IGNORECASE)
# Pages of Medium itself, and lists of what others wrote.
_NO_PLACES = frozenset(("about", "explore-topics", "feed", "m", "me", "membership", "new-story", "plans"))
_NO_PLACES |= {"search", "tag", "topic", "topics", "policy", "jobs-at-medium", "signin"}


async def _find(site: Site) -> AsyncIterator[Finding]:
    if _story_id(site.link):
        yield Found(_plain(site.link))
        return
    if host_of(site.link) not in _HOSTS:
        listed: set[str] = set()
        async for finding in any_site.SOURCE.find(site):
            if isinstance(finding, Found) and _story_id(finding.url):
                url = _plain(finding.url)
                if url not in listed:
                    listed.add(url)
                    yield replace(finding, url=url)
            elif isinstance(finding, Failure):
                yield finding
        return
    async for finding in _stories_of_feed(site):
        yield finding


async def _stories_of_feed(site: Site) -> AsyncIterator[Finding]:
    """The newest stories by the feed, then what earlier crawls knew."""
    place = urlsplit(site.link).path.strip("/").removeprefix("feed/")
    answer = await site.fetch(urljoin(site.link, f"/feed/{place}"))
    if isinstance(answer, Failure):
        yield answer
        return
    entries = await asyncio.to_thread(feed_entries, answer.body, answer.url)
    if entries is None:
        yield Failure("no_feed", f"Medium gives no feed for {place}")
        return
    listed: set[str] = set()
    for entry in entries:
        url = _plain(entry.url)
        if _story_id(url) and url not in listed and len(listed) < site.max_pages:
            listed.add(url)
            yield Found(url, revision=entry.revised, authors=entry.authors)
    for url in site.known:
        if url not in listed:
            yield Found(url)


def _read(fetched: Fetched, url: str) -> ReadPage | Failure:
    post = read_post(fetched.body, _story_id(fetched.url) or _story_id(url))
    if post is None or not post.html:
        return read_html(fetched, url)
    if post.is_response:
        return Failure("reply", "the story is a comment on another one")
    page = read_fragment(
        post.html, url, title=post.title, published_at=post.published_at, canonical=post.canonical_url
    )
    if isinstance(page, Failure):
        return page
    return ReadPage(page, (post.author,) if post.author else (), post.is_preview)


def _recognises(front: Fetched) -> bool:
    """Whether a front page under a domain of its own is Medium's: it carries the state and names the app."""
    return b"__APOLLO_STATE__" in front.body and b"com.medium.reader" in front.body


def _claims(link: str) -> bool:
    path = urlsplit(link).path
    if host_of(link) in _HOSTS:
        first = path.strip("/").split("/")[0]
        is_feed = first == "feed" and path.strip("/") != "feed"
        is_place = bool(_PLACE_PATH.fullmatch(path)) and first not in _NO_PLACES
        return is_feed or is_place or _story_id(link) is not None
    return path in ("", "/", "/feed", "/feed/") or _story_id(link) is not None


def _story_id(url: str) -> str | None:
    """The identity at the end of a story's address."""
    matched = _STORY.fullmatch(urlsplit(url).path.rstrip("/").rsplit("/", 1)[-1])
    return matched[1] if matched else None


def _plain(url: str) -> str:
    """The address without `?source=…`, which says where a reader came from."""
    return urlunsplit(urlsplit(url)._replace(query="", fragment=""))


SOURCE = Source(
    name="medium",
    claims=_claims,
    find=_find,
    hosts=frozenset(("medium.com",)),
    recognises=_recognises,
    read=_read,
    platform="medium",
)
