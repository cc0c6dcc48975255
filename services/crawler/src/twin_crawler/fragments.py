"""Reads the HTML of a text alone, as a platform's own answers hold it, without a page around it."""

import re
from dataclasses import replace
from datetime import datetime
from html import escape

from twin_crawler.extraction import ExtractedPage, extract_page
from twin_crawler.failures import Failure

# What a document of HTML may not hold, and a platform's JSON may.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def read_fragment(
    html: str, url: str, *, title: str, published_at: datetime | None, canonical: str | None = None
) -> ExtractedPage | Failure:
    """The Markdown of a text's HTML; title and date are the platform's, not guessed.

    Args:
        html: the body of the text.
        url: where a reader finds it.
        title: as the platform gives it.
        published_at: likewise.
        canonical: where the text says that it belongs, if elsewhere.
    """
    html, title = _CONTROLS.sub("", html), _CONTROLS.sub("", title).strip()
    link = f'<link rel="canonical" href="{escape(canonical)}">' if canonical else ""
    page = (
        f'<html><head><meta charset="utf-8"><title>{escape(title)}</title>{link}</head>'
        f"<body><article>{html}</article></body></html>"
    )
    read = extract_page(page.encode("utf-8", "replace"), url, "text/html; charset=utf-8")
    if isinstance(read, Failure):
        return read
    return replace(read, title=title, author=None, published_at=published_at)
