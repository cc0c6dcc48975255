"""Reads feeds (RSS, Atom, JSON Feed), and the links by which a page announces its own."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import urljoin

from lxml.etree import LxmlError
from lxml.html import HTMLParser, document_fromstring

FEED_TYPES = frozenset(
    (
        "application/rss+xml",
        "application/atom+xml",
        "application/rdf+xml",
        "application/feed+json",
        "application/json",
    )
)
WELL_KNOWN_FEEDS = ("/feed.xml", "/feed", "/rss.xml", "/atom.xml", "/index.xml", "/feed.json")


def announced_feeds(body: bytes, url: str) -> list[str]:
    """The addresses of `<link rel="alternate">` in a page that name a feed, in order."""
    try:
        tree = document_fromstring(body or b"<html/>", parser=HTMLParser())
    except (LxmlError, ValueError):
        return []
    found = (
        urljoin(url, link.get("href", "").strip())
        for link in tree.iter("link")
        if "alternate" in link.get("rel", "").lower().split()
        and link.get("type", "").split(";")[0].strip().lower() in FEED_TYPES
        and link.get("href", "").strip()
    )
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class FeedEntry:
    """What a feed says of one of its entries."""

    url: str
    authors: tuple[str, ...] = ()
    published: str | None = None
    """When it was published, in the feed's own words."""
    updated: str | None = None
    """When it was last changed, likewise; None: the feed does not follow changes."""

    @property
    def revised(self) -> str | None:
        """The newest that the feed says of its state."""
        return self.updated or self.published


def feed_entries(body: bytes, url: str) -> list[FeedEntry] | None:
    """A feed's entries that have an address, in its order; None when the body is no feed."""
    if body.lstrip()[:1] == b"{":
        return _json_feed_entries(body, url)
    return _xml_feed_entries(body, url)


def _json_feed_entries(body: bytes, url: str) -> list[FeedEntry] | None:
    try:
        feed = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if "jsonfeed.org" not in str(feed.get("version", "")) or not isinstance(feed.get("items"), list):
        return None
    return [
        FeedEntry(
            urljoin(url, item["url"]),
            _names([*_list(item.get("authors")), item.get("author")]),
            published=_text(item.get("date_published")),
            updated=_text(item.get("date_modified")),
        )
        for item in feed["items"]
        if isinstance(item, dict) and isinstance(item.get("url"), str)
    ]


def _xml_feed_entries(body: bytes, url: str) -> list[FeedEntry] | None:
    import feedparser

    feed = feedparser.parse(BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
    if not feed.get("version"):
        return None
    return [
        FeedEntry(
            urljoin(url, entry.link.strip()),
            _names(entry.get("authors", [])),
            published=_text(entry.get("published")),
            # Asked for a missing `updated`, the parser answers with the date of publication.
            updated=_text(entry.get("updated")) if "updated" in entry else None,
        )
        for entry in feed.entries
        if entry.get("link", "").strip()
    ]


def _names(authors: Iterable[Any]) -> tuple[str, ...]:
    names = (_text(author.get("name")) for author in authors if hasattr(author, "get"))
    return tuple(dict.fromkeys(name for name in names if name))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
