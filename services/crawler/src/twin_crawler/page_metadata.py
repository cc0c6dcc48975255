"""What a page says about itself: JSON-LD, OpenGraph, meta tags and links. Pure functions of a parsed tree."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

from lxml.html import HtmlElement

from twin_common.documents import normalise_text
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
_AUTHOR_NAMES = (
    "author",
    "article:author",
    "parsely-author",
    "dc.creator",
    "citation_author",
    "sailthru.author",
)
_TITLE_NAMES = ("og:title", "twitter:title", "parsely-title", "dc.title", "citation_title")
_BYLINES = (
    "//*[@itemprop='author']//*[@itemprop='name'] | //*[@itemprop='author'][not(.//*[@itemprop='name'])]",
    "//a[contains(concat(' ', @rel, ' '), ' author ')]",
    "//*[self::a or self::span or self::p or self::div or self::address]"
    "[contains(concat(' ', @class, ' '), ' byline ') or contains(concat(' ', @class, ' '), ' p-author ')"
    " or contains(concat(' ', @class, ' '), ' author ')"
    " or contains(concat(' ', @class, ' '), ' author-name ')]",
)
_BY = re.compile(r"(?:written\s+by|posted\s+by|by|von|por|par|di)\b[\s:]*", re.IGNORECASE)
_LONGEST_NAME = 80
_SEPARATOR = re.compile(r"\s+[|\u2013\u2014·•»:-]\s+|\s*\|\s*")
_TAG = re.compile(r"<[^<>]{1,500}>")
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
        """When the page says it was published, in UTC; a date without an hour is its midnight.

        What is stated for machines comes first, then what readers see where a date of publication stands.
        """
        candidates = [str(node["datePublished"]) for node in self._nodes if node.get("datePublished")]
        candidates += [self._meta[name] for name in _PUBLISHED_NAMES if name in self._meta]
        candidates += self._tree.xpath("//*[@itemprop='datePublished']/@content")
        candidates += self._tree.xpath("//*[@itemprop='datePublished' or @pubdate]/@datetime")
        candidates += self._tree.xpath("//article//time[1]/@datetime")[:1]
        stated = next((date for text in candidates if (date := parse_date(text))), None)
        return stated or self._visible_date

    @property
    def _visible_date(self) -> datetime | None:
        from htmldate import find_date

        found = find_date(self._tree, extensive_search=False, original_date=True)
        return parse_date(found) if found else None

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
        """Who wrote the page: by JSON-LD, else the meta tags, else microdata and the visible byline."""
        for node in self._nodes:
            authors = node.get("author")
            names = [
                entry.get("name") if isinstance(entry, dict) else entry
                for entry in (authors if isinstance(authors, list) else [authors])
            ]
            text = ", ".join(_squeeze(name) for name in names if isinstance(name, str) and name.strip())
            if text and "://" not in text:
                return text[:200]
        stated = (_squeeze(self._meta[name]) for name in _AUTHOR_NAMES if name in self._meta)
        visible = (
            _squeeze(found.text_content()) for path in _BYLINES for found in self._tree.xpath(path)[:3]
        )
        for texts in (stated, visible):
            for text in texts:
                name = _BY.sub("", text, count=1) if _BY.match(text) else text
                if 0 < len(name) <= _LONGEST_NAME and "://" not in name and not name.isdigit():
                    return name
        return None

    @property
    def title(self) -> str:
        """What the page is called: by JSON-LD, else OpenGraph and the like, else its one first heading or its
        title; a site's name at the end is cut off. Empty: the page has no title."""
        stated = [text for text in self._headlines if text] + self._stated_titles
        headings = self._headings if len(self._headings) == 1 else []
        window = [_squeeze(text) for text in self._tree.xpath("/html/head/title/text()")[:1]]
        found = next((text for text in (*stated, *headings, *window) if text), "")
        return self._without_site(found)

    @property
    def titles(self) -> list[str]:
        """Every form in which the page states its title, for finding its repetition in the text."""
        window = [_squeeze(text) for text in self._tree.xpath("//title/text()")[:1]]
        found = [self.title, *self._headlines, *self._stated_titles, *self._headings, *window]
        return list(dict.fromkeys(text for text in found if text))

    @property
    def article_body(self) -> str:
        """The whole text that JSON-LD carries for a page that shows it later, or an empty one."""
        texts = [node.get("articleBody") for node in self._nodes]
        body = max((text for text in texts if isinstance(text, str)), key=len, default="")
        return normalise_text(_TAG.sub(" ", body)) if "<" in body else normalise_text(body)

    @property
    def _headlines(self) -> list[str]:
        return [
            _squeeze(unescape(node["headline"]))
            for node in self._nodes
            if isinstance(node.get("headline"), str)
        ]

    @property
    def _stated_titles(self) -> list[str]:
        return [_squeeze(self._meta[name]) for name in _TITLE_NAMES if name in self._meta]

    @property
    def _headings(self) -> list[str]:
        texts = (_squeeze(heading.text_content()) for heading in self._tree.iter("h1"))
        return [text for text in texts if text]

    def _without_site(self, title: str) -> str:
        """Cut ` | Site` and the like: the page names the site, or shows the shorter form as a heading."""
        site = self._meta.get("og:site_name", "").casefold()
        for found in reversed(list(_SEPARATOR.finditer(title))):
            before, after = title[: found.start()].strip(), title[found.end() :].strip().casefold()
            if before and (after == site or before in self._headings):
                return before
        return title

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


def _squeeze(text: str) -> str:
    return " ".join(text.split())


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
