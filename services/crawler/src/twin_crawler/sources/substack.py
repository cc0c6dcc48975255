"""Substack: a publication's archive lists its posts, and each is read from Substack's own answer about it.

The archive (`/api/v1/archive`) and the post (`/api/v1/posts/SLUG`) are the same under `NAME.substack.com`
and under a publication's own domain.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit

from lxml.html import HtmlElement, fragments_fromstring, tostring

from twin_crawler.failures import Failure
from twin_crawler.fragments import read_fragment
from twin_crawler.page_metadata import parse_date
from twin_crawler.source import Fetched, Finding, Found, ReadPage, Site, Source, host_of, same_site

_PAGE_SIZE = 50
"""Substack may answer with fewer than were asked for; the next page begins behind what it gave."""

_MOST_ARCHIVE_PAGES = 2000

_POST_PATH = re.compile(r"/p/([^/]+)/?")
_PUBLICATION_PATHS = frozenset(("", "/", "/archive", "/archive/", "/feed", "/feed/"))
# What changes when a post is edited; likes and comments do not count.
_REVISED_FIELDS = (
    *("updated_at", "post_date", "title", "subtitle", "audience", "wordcount", "type"),
    "truncated_body_text",
)
# Other people's posts, notes and tweets shown inside a post, and what asks the reader to do something.
_FOREIGN_BLOCKS = (
    *("embedded-post-wrap", "embedded-publication-wrap", "digest-post-embed", "tweet", "twitter-embed"),
    *("comment", "poll-embed", "community-chat", "directMessage", "install-substack-app-embed"),
    *("subscription-widget-wrap", "subscription-widget-wrap-editor", "subscription-widget"),
    *("captioned-button-wrap", "button-wrapper", "paywall-jump", "paywall"),
)


async def _find(site: Site) -> AsyncIterator[Finding]:
    """A post by its link, or all posts of the archive, newest first; then what earlier crawls knew."""
    base = _base_of(site.link)
    if slug := _slug_of(site.link):
        yield _found(base, slug, None)
        return
    first = await site.fetch(_archive_url(base, 0))
    if isinstance(first, Failure):
        yield first
        return
    base = _base_of(first.url)  # a publication with a domain of its own redirects to it
    listed: set[str] = set()
    unread = 0
    async for entry in _archive(site, base, first):
        if isinstance(entry, Failure):
            yield entry
            return
        slug = _text(entry, "slug")
        if not slug or slug in listed:
            continue
        listed.add(slug)
        if _text(entry, "type") == "restack" or entry.get("restacked_post_id"):
            continue  # somebody else's post, passed on
        found = _found(base, slug, entry)
        unread += site.revision_of(found.url) != found.revision
        if unread > site.max_pages:
            yield Failure(
                "too_many_pages",
                f"the archive has more than {site.max_pages} posts to read; the next crawl goes on",
            )
            return
        yield found
    for url in site.known:
        slug = _slug_of(url)
        if slug and slug not in listed:
            yield _found(base, slug, None)


async def _archive(site: Site, base: str, first: Fetched) -> AsyncIterator[dict[str, Any] | Failure]:
    """The entries of the archive, until a page brings nothing new."""
    offset = 0
    seen: set[str] = set()
    for number in range(_MOST_ARCHIVE_PAGES):
        answer = await site.fetch(_archive_url(base, offset)) if number else first
        rows = answer if isinstance(answer, Failure) else _json(answer.body)
        if isinstance(rows, Failure):
            yield rows
            return
        if not isinstance(rows, list):
            yield Failure("archive_unreadable", "the publication's archive is not the list it should be")
            return
        entries = [row for row in rows if isinstance(row, dict)]
        slugs = {_text(row, "slug") for row in entries}
        if slugs <= seen:
            return
        for entry in entries:
            yield entry
        seen |= slugs
        offset += len(rows)


def _archive_url(base: str, offset: int) -> str:
    return urljoin(base, f"/api/v1/archive?sort=new&search=&offset={offset}&limit={_PAGE_SIZE}")


def _found(base: str, slug: str, entry: dict[str, Any] | None) -> Found:
    """A post by its slug, as its own address and as the address of Substack's answer about it."""
    name = quote(slug, safe="")
    return Found(
        url=urljoin(base, f"/p/{name}"),
        request_url=urljoin(base, f"/api/v1/posts/{name}"),
        revision=_revision(entry) if entry is not None else None,
    )


def _revision(entry: dict[str, Any]) -> str:
    facts = {name: entry.get(name) for name in _REVISED_FIELDS}
    facts["authors"] = list(_authors(entry))
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def _read(fetched: Fetched, url: str) -> ReadPage | Failure:
    post = _json(fetched.body)
    if isinstance(post, Failure):
        return post
    if not isinstance(post, dict):
        return Failure("post_unreadable", "Substack's answer is no post")
    if post.get("restacked_post_id") or _text(post, "type") == "restack":
        return Failure("shared_post", "the post passes on somebody else's")
    partial = _text(post, "audience") not in ("", "everyone")
    html = _own_html(_text(post, "body_html")) or f"<p>{_text(post, 'truncated_body_text')}</p>"
    subtitle = _text(post, "subtitle")
    page = read_fragment(
        html,
        url,
        title=_text(post, "title"),
        published_at=parse_date(_text(post, "post_date")),
        canonical=_canonical(post, url),
    )
    if isinstance(page, Failure):
        return page
    metadata = {"subtitle": subtitle} if subtitle else {}
    return ReadPage(page, tuple(_authors(post)), partial, metadata)


def _canonical(post: dict[str, Any], url: str) -> str | None:
    """Where Substack says the post belongs, if that is a post's address under this or its other domain."""
    stated = _text(post, "canonical_url")
    return stated if stated and _slug_of(stated) and not same_site(stated, url) else None


def _own_html(html: str) -> str:
    """The body without the blocks that are not the author's words."""
    if not html.strip():
        return ""
    kept: list[str] = []
    for part in fragments_fromstring(html):
        if not isinstance(part, HtmlElement):
            kept.append(str(part))
            continue
        for element in list(part.iter()):
            if element is not part and _is_foreign(element) and element.getparent() is not None:
                element.drop_tree()
        if not _is_foreign(part):
            kept.append(tostring(part, encoding="unicode"))
        elif part.tail:
            kept.append(part.tail)
    return "".join(kept)


def _is_foreign(element: HtmlElement) -> bool:
    return not isinstance(element.tag, str) or any(
        name in _FOREIGN_BLOCKS for name in element.get("class", "").split()
    )


def _authors(post: dict[str, Any]) -> Iterator[str]:
    bylines = post.get("publishedBylines")
    for byline in bylines if isinstance(bylines, list) else ():
        name = _text(byline, "name").strip() if isinstance(byline, dict) else ""
        if name:
            yield name


def _recognises(front: Fetched) -> bool:
    """Whether a front page under a domain of its own is a Substack publication's.

    Its pages load everything from substackcdn.com and carry their data in `window._preloads`.
    """
    return b"window._preloads" in front.body and b"substackcdn.com" in front.body


def _claims(link: str) -> bool:
    return urlsplit(link).path in _PUBLICATION_PATHS or _slug_of(link) is not None


def _base_of(link: str) -> str:
    parts = urlsplit(link)
    return f"{parts.scheme}://{parts.netloc}/"


def _slug_of(url: str) -> str | None:
    matched = _POST_PATH.fullmatch(urlsplit(url).path)
    return unquote(matched[1]) if matched else None


def _text(entry: dict[str, Any], name: str) -> str:
    value = entry.get(name)
    return value if isinstance(value, str) else ""


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return Failure("no_json", "the answer is not the JSON that the platform gives")


SOURCE = Source(
    name="substack",
    claims=lambda link: host_of(link) not in ("substack.com", "www.substack.com") and _claims(link),
    find=_find,
    hosts=frozenset(("substack.com",)),
    recognises=_recognises,
    read=_read,
    platform="substack",
)
