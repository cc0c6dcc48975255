"""Reads feeds (RSS, Atom, JSON Feed), and the links by which a page announces its own."""

import json
from io import BytesIO
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


def entry_links(body: bytes, url: str) -> list[str] | None:
    """The addresses of a feed's entries, in its order; None when the body is no feed."""
    if body.lstrip()[:1] == b"{":
        return _json_feed_links(body, url)
    return _xml_feed_links(body, url)


def _json_feed_links(body: bytes, url: str) -> list[str] | None:
    try:
        feed = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if "jsonfeed.org" not in str(feed.get("version", "")) or not isinstance(feed.get("items"), list):
        return None
    links = (item.get("url") for item in feed["items"] if isinstance(item, dict))
    return [urljoin(url, link) for link in links if isinstance(link, str)]


def _xml_feed_links(body: bytes, url: str) -> list[str] | None:
    import feedparser

    feed = feedparser.parse(BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
    if not feed.get("version"):
        return None
    return [urljoin(url, entry.link.strip()) for entry in feed.entries if entry.get("link", "").strip()]
