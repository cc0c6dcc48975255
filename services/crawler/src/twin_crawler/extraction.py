"""From the bytes of a page to the Markdown and the facts that are stored. A pure function."""

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from lxml.etree import LxmlError, tostring
from lxml.html import HtmlElement, HTMLParser, document_fromstring

from twin_common.documents import normalise_text
from twin_crawler.code_blocks import StandIns
from twin_crawler.failures import Failure
from twin_crawler.page_metadata import PageMetadata, parse_date

# A login page has a few labels and hints around its password field; an article has more text than this.
_LONGEST_LOGIN_PAGE = 600


@dataclass(frozen=True)
class ExtractedPage:
    """What a page says, ready to be stored."""

    title: str
    author: str | None
    published_at: datetime | None
    language: str | None
    canonical_url: str
    text: str
    """Markdown: headings, lists, quotes, tables, links, and code in fences with its language."""


def extract_page(body: bytes, url: str, content_type: str = "") -> ExtractedPage | Failure:
    """Extract the main text and the metadata of an HTML page.

    Args:
        body: the page as it was received, decompressed.
        url: where it was found, after redirects.
        content_type: the server's header, which may name the character set.

    Returns:
        The page, or why it gives no document: `not_html`, `login_required` or `no_text`.
    """
    tree = _parse(body, content_type)
    if tree is None:
        return Failure("not_html", "the body cannot be read as HTML")
    metadata = PageMetadata(tree, url)
    asks_for_password = metadata.asks_for_password
    text, facts = _extract_text(tree, url)
    if asks_for_password and len(text) < _LONGEST_LOGIN_PAGE:
        return Failure("login_required", "the page shows a password field instead of an article")
    if not text:
        return Failure("no_text", "no main text was found in the page")
    title = (facts.title or "").strip()
    return ExtractedPage(
        title=title,
        author=metadata.author or facts.author or None,
        published_at=metadata.published_at or (parse_date(facts.date) if facts.date else None),
        language=metadata.language,
        canonical_url=metadata.canonical_url,
        text=_without_title(text, title),
    )


def extract_file(body: bytes, url: str) -> dict[str, str | None]:
    """What would be stored for a page, as one JSON-ready object; see `extract_page`.

    A page that gives no document has an empty text and the reason under `error`.
    """
    page = extract_page(body, url)
    if isinstance(page, Failure):
        empty = dict.fromkeys(("title", "author", "published_at", "language", "canonical_url"))
        return {"source": url, **empty, "text": "", "error": f"{page.reason}: {page.detail}"}
    return {
        "source": url,
        "title": page.title,
        "author": page.author,
        "published_at": page.published_at.isoformat() if page.published_at else None,
        "language": page.language,
        "canonical_url": page.canonical_url,
        "text": page.text,
    }


def _parse(body: bytes, content_type: str) -> HtmlElement | None:
    from w3lib.encoding import html_to_unicode

    try:
        _, text = html_to_unicode(content_type or None, body)
        # The text is encoded anew: the parser would otherwise believe a wrong charset in the page.
        tree = document_fromstring(text.encode("utf-8", "replace"), parser=HTMLParser(encoding="utf-8"))
    except (LxmlError, ValueError):
        return None
    return tree if isinstance(tree, HtmlElement) and tree.tag == "html" else None


def _extract_text(tree: HtmlElement, url: str) -> tuple[str, Any]:
    """The main text in Markdown, and what trafilatura found of title, author and date."""
    from trafilatura import extract
    from trafilatura.metadata import extract_metadata

    dates = {"extensive_search": False, "original_date": True, "max_date": datetime.now(UTC).isoformat()[:10]}
    facts = extract_metadata(tree, url, dates, extensive=False)
    stand_ins = StandIns(sha256(tostring(tree)).hexdigest()[:10])
    stand_ins.take_blocks(tree)
    markdown = extract(
        tree,
        url=url,
        output_format="markdown",
        include_formatting=True,
        include_links=True,
        include_tables=True,
        include_comments=False,
    )
    return normalise_text(stand_ins.put_back(markdown or "")), facts


def _without_title(text: str, title: str) -> str:
    """The text without its first heading where that repeats the title, which is a field of its own."""
    first, _, rest = text.partition("\n")
    return rest.strip() if first.startswith("# ") and first[2:].strip() == title and rest.strip() else text
