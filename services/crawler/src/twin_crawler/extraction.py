"""From the bytes of a page to the Markdown and the facts that are stored. A pure function."""

import re
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from lxml.etree import LxmlError, strip_elements, tostring
from lxml.html import HtmlElement, HTMLParser, document_fromstring

from twin_common.documents import normalise_text
from twin_crawler.boilerplate import trim_boilerplate
from twin_crawler.code_blocks import StandIns
from twin_crawler.densest_element import densest_element
from twin_crawler.embedded_text import embedded_text, unseen_text
from twin_crawler.failures import Failure
from twin_crawler.html_markdown import parse_html, to_markdown
from twin_crawler.inline_markup import LinkMarks, repair_inline_markup
from twin_crawler.languages import decide_language
from twin_crawler.lost_lists import put_back_lists
from twin_crawler.page_furniture import remove_furniture
from twin_crawler.page_metadata import PageMetadata
from twin_crawler.page_readings import agree, most_agreed
from twin_crawler.plain_text import plain_text

# A login page has a few labels and hints around its password field; an article has more text than this.
_LONGEST_LOGIN_PAGE = 600

# Where the page shows less than this share of a text that it carries unseen, it shows the text later.
_LEAST_SHARE_SHOWN = 0.3

# Characters; a page that shows as much needs no look into the state of its scripts.
_RICH = 1500

# Characters of a page's markup; what is longer is no article, and Readability is slow with it.
_LONGEST_SCORED = 2_000_000

_UNSEEN = ("noscript", "template", "iframe", "svg")

# Characters that XML forbids, plain or as a reference: a tree refuses to set a text that holds one.
_CONTROL = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]"
    r"|&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01])(?!\d)|x0*(?:[0-8bcef]|1[\da-f])(?![\da-f]));?",
    re.IGNORECASE,
)


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
    tree = parse_page(body, content_type)
    if tree is None:
        return Failure("not_html", "the body cannot be read as HTML")
    metadata = PageMetadata(tree, url)
    page = ExtractedPage(  # before the extraction, which changes the tree
        title=metadata.title,
        author=metadata.author,
        published_at=metadata.published_at,
        language=metadata.language,
        canonical_url=metadata.canonical_url,
        text="",
    )
    asks_for_password = metadata.asks_for_password
    text = _main_text(tree, url, metadata)
    if asks_for_password and len(text) < _LONGEST_LOGIN_PAGE:
        return Failure("login_required", "the page shows a password field instead of an article")
    if not text:
        return Failure("no_text", "no main text was found in the page")
    return replace(page, text=text, language=decide_language(text, page.language))


def extract_file(body: bytes, url: str, content_type: str = "") -> dict[str, str | None]:
    """What would be stored for a page, as one JSON-ready object; see `extract_page`.

    The text is the stored Markdown as a reader sees it, without marks and link targets. A page that gives no
    document has an empty text and the reason under `error`.
    """
    page = extract_page(body, url, content_type)
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
        "text": plain_text(page.text),
    }


def parse_page(body: bytes, content_type: str = "") -> HtmlElement | None:
    """The tree of a page as it was received, without comments; None: it cannot be read as HTML."""
    try:
        text = _CONTROL.sub(" ", _decode(body, content_type))
        # The text is encoded anew: the parser would otherwise believe a wrong charset in the page.
        # Comments go at once: what follows one inside a line is lost in the extraction.
        parser = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
        tree = document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (LxmlError, ValueError):
        return None
    return tree if isinstance(tree, HtmlElement) and tree.tag == "html" else None


def _decode(body: bytes, content_type: str) -> str:
    """The characters of a page: what is valid UTF-8 is UTF-8, whatever is declared, since no other character
    set produces its sequences by chance; else the mark at its start, the header, and the page's own word."""
    from w3lib.encoding import html_to_unicode

    if not body.isascii():
        try:
            return body.decode("utf-8-sig")
        except UnicodeDecodeError:
            pass
    return html_to_unicode(content_type or None, body)[1]


def _main_text(tree: HtmlElement, url: str, metadata: PageMetadata) -> str:
    """The article in Markdown: the reading that others confirm, without what is left around it."""
    titles, author, stated = metadata.titles, metadata.author, metadata.article_body
    unseen, scripts = unseen_text(tree), list(tree.iter("script"))
    strip_elements(tree, "script", "style", with_tail=False)
    remove_furniture(tree)
    repair_inline_markup(tree)
    stand_ins = StandIns(sha256(tostring(tree)).hexdigest()[:10])
    stand_ins.take_blocks(tree)
    other = deepcopy(tree)
    links = LinkMarks(url)
    links.take_links(tree)

    def finished(markdown: str) -> str:
        return trim_boilerplate(normalise_text(stand_ins.put_back(markdown)), titles, author)

    text = finished(links.put_back(_by_rules(tree, url)))
    strip_elements(other, *_UNSEEN, with_tail=False)
    other.make_links_absolute(url, handle_failures="ignore")
    scored = deepcopy(other)
    dense = finished(to_markdown(densest_element(other)))
    if not agree(text, dense):
        by_scores = finished(_by_scores(scored))
        # Where the rules find nothing, one reading alone may be a menu or a notice.
        if text or agree(dense, by_scores):
            text = most_agreed([text, dense, by_scores], [stated or _paragraphs(scored)])
    text = put_back_lists(text, dense)
    embedded = embedded_text(scripts, titles, url) if len(text) < _RICH else ""
    for carried in (finished(unseen), finished(embedded), stated):
        if len(text) < _LEAST_SHARE_SHOWN * len(carried):
            return carried
    return text


def _by_rules(tree: HtmlElement, url: str) -> str:
    """What trafilatura takes for the main text; changes the tree."""
    return _extract(tree, url) or _extract(tostring(tree, encoding="unicode", method="html"), url)


def _by_scores(tree: HtmlElement) -> str:
    """What Readability's algorithm takes for the main text; nothing of a page that it cannot read."""
    from readability import Document
    from readability.readability import Unparseable

    page = tostring(tree, encoding="unicode", method="html")
    if len(page) > _LONGEST_SCORED:
        return ""
    try:
        found = parse_html(Document(page).summary())
    except Unparseable:
        return ""
    return "" if found is None else to_markdown(found)


def _paragraphs(tree: HtmlElement) -> str:
    """All paragraphs of the page's articles, or of a page without any."""
    articles = list(tree.iter("article")) or [tree]
    return "\n\n".join(text.text_content() for article in articles for text in article.iter("p"))


def _extract(page: HtmlElement | str, url: str) -> str:
    """Trafilatura's Markdown of a page; of a few trees it sees the text only once they are parsed anew."""
    from trafilatura import extract

    return (
        extract(
            page,
            url=url,
            output_format="markdown",
            include_formatting=True,
            include_tables=True,
            include_comments=False,
        )
        or ""
    )
