"""What a page says about itself: JSON-LD, OpenGraph, meta tags and links. Pure functions of a parsed tree."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

from lxml.html import HtmlElement

from twin_common.errors import ForbiddenLink, InvalidUrl
from twin_common.identity import canonical_url
from twin_common.link_guard import LinkGuard

_PUBLISHED_NAMES = (
    "article:published_time",
    "og:article:published_time",
    "citation_publication_date",
    "dc.date.issued",
    "dcterms.issued",
    "parsely-pub-date",
    "date",
    "dc.date",
    "pubdate",
)
_LANGUAGE = re.compile(r"([a-zA-Z]{2,3})(?:[-_][\w-]+)?")


class PageMetadata:
    """The statements of one page, found once and asked many times."""

    def __init__(self, tree: HtmlElement, url: str) -> None:
        self._tree = tree
        self._url = url
        self._meta = _meta_tags(tree)
        self._nodes = list(_json_ld(tree))

    @property
    def published_at(self) -> datetime | None:
        """When the page says it was published, in UTC; a date without an hour is its midnight."""
        candidates = [str(node["datePublished"]) for node in self._nodes if node.get("datePublished")]
        candidates += [self._meta[name] for name in _PUBLISHED_NAMES if name in self._meta]
        candidates += self._tree.xpath("//*[@itemprop='datePublished']/@content")
        candidates += self._tree.xpath("//*[@itemprop='datePublished' or @pubdate]/@datetime")
        candidates += self._tree.xpath("//article//time[1]/@datetime")[:1]
        return next((date for text in candidates if (date := parse_date(text))), None)

    @property
    def language(self) -> str | None:
        """The two- or three-letter code that the page declares, or None."""
        candidates = [*self._tree.xpath("/html/@lang | /html/@*[local-name()='lang']")]
        candidates += [self._meta[name] for name in ("content-language", "og:locale") if name in self._meta]
        candidates += [str(node["inLanguage"]) for node in self._nodes if node.get("inLanguage")]
        found = (_LANGUAGE.fullmatch(text.strip()) for text in candidates)
        return next((match[1].lower() for match in found if match), None)

    @property
    def author(self) -> str | None:
        """The name that JSON-LD gives; the extractor finds the other places."""
        for node in self._nodes:
            authors = node.get("author")
            names = [
                entry.get("name") if isinstance(entry, dict) else entry
                for entry in (authors if isinstance(authors, list) else [authors])
            ]
            text = ", ".join(name.strip() for name in names if isinstance(name, str) and name.strip())
            if text and "://" not in text:
                return text[:200]
        return None

    @property
    def canonical_url(self) -> str:
        """The canonical form of `rel=canonical`, or of the page's own address where that is plainly wrong."""
        own = canonical_url(self._url)
        hrefs = self._tree.xpath("//link[contains(concat(' ', @rel, ' '), ' canonical ')]/@href")
        hrefs += [self._meta["og:url"]] if not hrefs and "og:url" in self._meta else []
        if not hrefs:
            return own
        try:
            stated = urljoin(self._url, hrefs[0].strip())
            claimed = canonical_url(stated)
            if urlsplit(claimed).netloc != urlsplit(own).netloc:
                LinkGuard().vet_url(stated)
        except (InvalidUrl, ForbiddenLink, ValueError):
            return own
        claims_root = urlsplit(claimed).path == "/" and not urlsplit(claimed).query
        is_root = urlsplit(own).path == "/" and not urlsplit(own).query
        return own if claims_root and not is_root else claimed

    @property
    def asks_for_password(self) -> bool:
        """Whether the page shows a form that wants a password."""
        return bool(self._tree.xpath("//input[@type='password']"))


def parse_date(text: str) -> datetime | None:
    """A date as pages and feeds write it, in UTC; what has no zone is UTC. None: no date."""
    text = text.strip()
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            found = parse(text)
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None


def _meta_tags(tree: HtmlElement) -> dict[str, str]:
    tags: dict[str, str] = {}
    for element in tree.iter("meta"):
        name = element.get("property") or element.get("name") or element.get("http-equiv")
        content = (element.get("content") or "").strip()
        if name and content:
            tags.setdefault(name.strip().lower(), content)
    return tags


def _json_ld(tree: HtmlElement) -> Iterator[dict[str, Any]]:
    """Every object of the page's JSON-LD that may describe the text, broken scripts left out."""
    for script in tree.xpath("//script[@type='application/ld+json']/text()"):
        try:
            waiting: list[Any] = [json.loads(script, strict=False)]
        except (ValueError, RecursionError):
            continue
        while waiting:
            node = waiting.pop(0)
            if isinstance(node, list):
                waiting += node
            elif isinstance(node, dict):
                waiting += node.get("@graph", []) if isinstance(node.get("@graph"), list) else []
                yield node
