"""LinkedIn's data export, "Basic" or "Complete": `Shares.csv` for posts, `Articles/` for long texts.

Complete exports number the table by member (`Shares_155814142.csv`) and may nest the folder. Learnt from
readers of the export: columns Date, ShareLink, ShareCommentary, SharedUrl, MediaUrl and Visibility; line
breaks in a commentary are written `"` newline `"`; an article is a page with its title in a linked h1 and its
dates in paragraphs of class created and published.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from urllib.parse import unquote

from lxml.html import HtmlElement

from twin_common.documents import Category, DocumentDraft
from twin_common.errors import InvalidUrl
from twin_crawler.archive import ArchiveFormat, BadEntry, Entry, LeftOut, Owner
from twin_crawler.archive_files import ArchiveFiles
from twin_crawler.archive_members import UnreadableMember
from twin_crawler.csv_rows import BrokenRow, Row, read_rows
from twin_crawler.html_markdown import parse_html, to_markdown
from twin_crawler.linkedin_posts import date_of_urn
from twin_crawler.page_metadata import parse_date

_TABLES = re.compile(r"\.csv$", re.IGNORECASE).search
_NAMED_TABLE = re.compile(r"(?:^|/)shares(?:_\d+)?\.csv$", re.IGNORECASE).search
_ARTICLES = re.compile(r"(?:^|/)articles/(?:[^/]+/)*[^/]+\.html$", re.IGNORECASE).search
_ARTICLE_LINK = re.compile(r"^https?://(?:[\w-]+\.)?linkedin\.com/pulse/")
_POST_LINK = re.compile(r"^https?://(?:[\w-]+\.)?linkedin\.com/(?:feed/update|posts)/")
_VISIBILITY = re.compile(r"^(?:MEMBER_NETWORK|PUBLIC|CONNECTIONS|LOGGED_IN|CONTAINER)$")
_ADDRESS = re.compile(r"^https?://\S+$")
_NUMERIC_DATE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[ T](\d\d:\d\d(?::\d\d)?)|(\d\d)[./](\d\d)[./](\d{4})[ ,]+(\d\d:\d\d(?::\d\d)?)"
)
_LOOKED_AT = 50
_MAX_ARTICLE_BYTES = 15 * 1024 * 1024
_NAMES = {
    "date": "date",
    "sharelink": "link",
    "sharecommentary": "text",
    "sharedurl": "shared",
    "visibility": "visibility",
}


@dataclass(frozen=True)
class _Columns:
    """Which column holds what."""

    link: str
    text: str
    date: str | None
    shared: str | None


def _read(files: ArchiveFiles, owner: Owner) -> Iterator[Entry]:
    for name in _share_tables(files):
        try:
            with files.open(name) as file:
                yield from _shares(read_rows(file), owner, name)
        except UnreadableMember as error:
            yield BadEntry(name, str(error))
    for name in files.select(_ARTICLES):
        try:
            yield _article(files.read(name, _MAX_ARTICLE_BYTES), owner, name)
        except UnreadableMember as error:
            yield BadEntry(name, str(error))


def _shares(rows: Iterator[Row | BrokenRow], owner: Owner, name: str) -> Iterator[Entry]:
    first = list(islice(rows, _LOOKED_AT))
    columns = _columns([row for row in first if isinstance(row, Row)])
    if columns is None:
        yield BadEntry(name, "no columns that hold the links and the texts of posts")
        return
    for row in chain(first, rows):
        place = f"{name}, row {row.number}"
        yield (
            BadEntry(place, row.reason) if isinstance(row, BrokenRow) else _share(row, columns, owner, place)
        )


def _share(row: Row, columns: _Columns, owner: Owner, place: str) -> Entry:
    text = _plain(row.cells[columns.text])
    link = unquote(row.cells[columns.link].strip())
    shared = row.cells[columns.shared].strip() if columns.shared else ""
    if not text or text == shared:
        return LeftOut("share without words of its own")
    written = row.cells[columns.date] if columns.date else ""
    published = _parse_date(written) or date_of_urn(link)
    if published is None:
        return BadEntry(place, f"{written[:40]!r} is no date")
    try:
        return DocumentDraft.at(
            owner.author_id,
            link,
            category=Category.POST,
            platform="linkedin",
            text=text,
            published_at=published,
            metadata={"shared_url": shared} if shared else {},
        )
    except InvalidUrl as error:
        return BadEntry(place, str(error))


def _plain(text: str) -> str:
    """A commentary as it was written: the export puts every line between quotation marks."""
    breaks, marked = text.count("\n"), text.count('"\n"')
    return (text.replace('"\n"', "\n") if marked and marked == breaks else text).strip()


def _columns(rows: list[Row]) -> _Columns | None:
    """The columns by name, and in another language by what stands in them."""
    if not rows:
        return None
    named = {_NAMES.get(re.sub(r"[\s_]", "", name).lower(), ""): name for name in rows[0].cells}
    if "link" in named and "text" in named:
        return _Columns(named["link"], named["text"], named.get("date"), named.get("shared"))
    cells = {name: [row.cells[name] for row in rows if row.cells[name].strip()] for name in rows[0].cells}
    link = _most(cells, lambda value: bool(_POST_LINK.match(value)))
    date = _most(cells, lambda value: _parse_date(value) is not None)
    texts = {
        name: sum(
            len(value) for value in values if not _ADDRESS.match(value) and not _VISIBILITY.match(value)
        )
        for name, values in cells.items()
        if name not in (link, date)
    }
    text = max(texts, key=lambda name: texts[name], default=None)
    if link is None or text is None or not texts[text]:
        return None
    others = {name: values for name, values in cells.items() if name not in (link, text, date)}
    return _Columns(link, text, date, _most(others, lambda value: bool(_ADDRESS.match(value))))


def _most(cells: dict[str, list[str]], holds: Callable[[str], bool]) -> str | None:
    """The first column of which more than half the filled cells hold such a value."""
    return next((name for name, values in cells.items() if sum(map(holds, values)) * 2 > len(values)), None)


def _parse_date(text: str) -> datetime | None:
    """ISO dates, and days before months as outside the USA; times without a zone are UTC."""
    found = _NUMERIC_DATE.search(text)
    if found is None:
        return None
    year, month, day, time, other_day, other_month, other_year, other_time = found.groups()
    return parse_date(f"{year or other_year}-{month or other_month}-{day or other_day}T{time or other_time}")


def _share_tables(files: ArchiveFiles) -> list[str]:
    """The table of posts: by its name, and in another language by the visibility that only posts have."""
    named = files.select(_NAMED_TABLE)
    return named or [name for name in files.select(_TABLES) if _holds_shares(files, name)]


def _holds_shares(files: ArchiveFiles, name: str) -> bool:
    try:
        with files.open(name) as file:
            rows: Iterable[Row] = (row for row in islice(read_rows(file), _LOOKED_AT) if isinstance(row, Row))
            values = [value for row in rows for value in row.cells.values()]
    except UnreadableMember:
        return False
    return any(map(_VISIBILITY.match, values)) and any(map(_POST_LINK.match, values))


def _article(body: bytes, owner: Owner, name: str) -> Entry:
    tree = parse_html(body)
    heading = next(iter(tree.xpath("//h1")), None) if tree is not None else None
    if tree is None or heading is None:
        return BadEntry(name, "no article: the page has no h1")
    dates = {kind: _dated(tree, kind) for kind in ("published", "created")}
    if dates["published"] is None:
        return LeftOut("draft")
    links = [*heading.xpath(".//a/@href"), *tree.xpath("//a/@href")]
    link = next((href for href in links if _ARTICLE_LINK.match(href)), None)
    if link is None:
        return BadEntry(name, "no address: nothing links to linkedin.com/pulse/")
    title = " ".join(heading.text_content().split())
    body_element = next(iter(tree.xpath("//body")), tree)
    for furniture in [heading, *body_element.xpath(".//p[@class='created' or @class='published']")]:
        furniture.drop_tree()
    try:
        return DocumentDraft.at(
            owner.author_id,
            link,
            category=Category.ARTICLE,
            platform="linkedin",
            title=title,
            text=to_markdown(body_element),
            published_at=dates["published"],
        )
    except InvalidUrl as error:
        return BadEntry(name, str(error))


def _dated(tree: HtmlElement, kind: str) -> datetime | None:
    found = tree.xpath(f"//*[@class='{kind}']")
    return _parse_date(found[0].text_content()) if found else None


def _members(files: ArchiveFiles) -> list[str]:
    return [*_share_tables(files), *files.select(_ARTICLES)]


FORMAT = ArchiveFormat(name="linkedin", members=_members, read=_read)
