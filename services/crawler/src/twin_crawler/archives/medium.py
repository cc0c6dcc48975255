"""Medium's export: `posts/*.html`, one text each in microformats (h-entry), drafts and responses among them.

Learnt from the importers that read it: gautamdhameja/medium-2-md, pelican-import, WordPress' Medium importer.
"""

import re
from collections.abc import Iterator
from typing import Any

from lxml.html import HtmlElement

from twin_common.documents import Category, DocumentDraft
from twin_common.errors import InvalidUrl
from twin_crawler.archive import ArchiveFormat, BadEntry, Entry, LeftOut, Owner
from twin_crawler.archive_files import ArchiveFiles
from twin_crawler.archive_members import UnreadableMember
from twin_crawler.html_markdown import parse_html, to_markdown
from twin_crawler.page_metadata import parse_date

_POSTS = re.compile(r"(?:^|/)posts/[^/]+\.html$").search
_SUBSTACK = re.compile(r"(?:^|/)posts\.csv$").search
_DRAFT = re.compile(r"(?:^|/)draft_[^/]*$").search
_MAX_POST_BYTES = 15 * 1024 * 1024


def _read(files: ArchiveFiles, owner: Owner) -> Iterator[Entry]:
    for name in files.select(_POSTS):
        if _DRAFT(name):
            yield LeftOut("draft")
            continue
        try:
            yield _entry(files.read(name, _MAX_POST_BYTES), owner, name)
        except UnreadableMember as error:
            yield BadEntry(name, str(error))


def _entry(body: bytes, owner: Owner, name: str) -> Entry:
    tree = parse_html(body)
    content = _first(tree, "section", "e-content") if tree is not None else None
    if tree is None or content is None:
        return BadEntry(name, "no text: the page has no section of class e-content")
    date, link = _first(tree, "time", "dt-published"), _first(tree, "a", "p-canonical")
    if date is None:
        return LeftOut("draft")
    if link is None or not link.get("href"):
        return BadEntry(name, "no address: the page has no link of class p-canonical")
    title = _words(_first(tree, "h1", "p-name"))
    leading = _leading_title(content)
    subtitle, author = _words(_first(tree, "section", "p-summary")), _words(_first(tree, "a", "p-author"))
    for repeated in (
        leading,
        _subtitle_in(content, subtitle),
        *content.xpath(".//hr[@class='section-divider']"),
    ):
        if repeated is not None:
            repeated.drop_tree()
    text = to_markdown(content)
    response = leading is None and _is_response(title, text)
    try:
        return DocumentDraft.at(
            owner.author_id,
            link.get("href"),
            category=Category.POST if response else Category.ARTICLE,
            platform="medium",
            title="" if response else title,
            text=text,
            author_name=author or None,
            published_at=parse_date(date.get("datetime") or ""),
            metadata=({"subtitle": subtitle} if subtitle else {})
            | ({"kind": "response"} if response else {}),
        )
    except InvalidUrl as error:
        return BadEntry(name, str(error))


def _leading_title(content: HtmlElement) -> HtmlElement | None:
    found = content.xpath(
        ".//*[self::h1 or self::h2 or self::h3 or self::h4][contains(@class, 'graf--title')]"
    )
    return found[0] if found else None


def _subtitle_in(content: HtmlElement, subtitle: str) -> HtmlElement | None:
    found = content.xpath(".//*[contains(@class, 'graf--subtitle')]")
    return found[0] if found and _words(found[0]) == subtitle else None


def _is_response(title: str, text: str) -> bool:
    """Answers to others are posts without a headline; Medium gives them their first words as a title."""
    start = " ".join(re.sub(r"[*`\[\]>]", "", text).split())
    return start.startswith(title.rstrip("… .")[:80])


def _first(tree: HtmlElement, tag: str, name: str) -> HtmlElement | None:
    found: Any = tree.xpath(f"//{tag}[contains(concat(' ', normalize-space(@class), ' '), ' {name} ')]")
    return found[0] if found else None


def _words(element: HtmlElement | None) -> str:
    return " ".join(element.text_content().split()) if element is not None else ""


def _members(files: ArchiveFiles) -> list[str]:
    """Substack's export has `posts/` too, but beside a table of them."""
    return [] if files.select(_SUBSTACK) else files.select(_POSTS)


FORMAT = ArchiveFormat(name="medium", members=_members, read=_read)
