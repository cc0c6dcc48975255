"""Substack's export: `posts.csv` and a fragment of HTML for each post, `posts/<id>.<slug>.html`.

The export does not say where the publication lives: that comes from the owner's links, or from the subscribe
buttons in the posts. Learnt from readers of the export: its columns are post_id, post_date, is_published,
email_sent_at, inbox_sent_at, type, audience, title, subtitle and podcast_url.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from twin_common.documents import Category, DocumentDraft
from twin_common.errors import InvalidUrl
from twin_crawler.archive import ArchiveFormat, BadEntry, Entry, LeftOut, Owner
from twin_crawler.archive_files import ArchiveFiles
from twin_crawler.archive_members import UnreadableMember
from twin_crawler.csv_rows import BrokenRow, Row, read_rows
from twin_crawler.html_markdown import parse_html, to_markdown
from twin_crawler.page_metadata import parse_date

_TABLE = re.compile(r"(?:^|/)posts\.csv$").search
_POSTS = re.compile(r"(?:^|/)posts/[^/]+\.html$").search
_SUBSCRIBE = re.compile(rb"https://([\w.-]+)/subscribe\b")
_MAX_POST_BYTES = 15 * 1024 * 1024
_MOST_LOOKED_AT = 50
_METADATA = {"subtitle": "subtitle", "audience": "audience", "podcast_url": "podcast_url", "type": "kind"}
# What surrounds the text in a post: buttons, forms, players.
_FURNITURE = (
    ".//*[contains(@class, 'subscription-widget') or contains(@class, 'button-wrapper')"
    " or contains(@class, 'captioned-button-wrap') or contains(@class, 'community-chat')"
    " or contains(@class, 'poll-embed') or contains(@class, 'paywall-jump')]"
)


class _Unusable(ValueError):
    """Why a row gives no document."""


@dataclass(frozen=True)
class _Publication:
    """The export of one publication."""

    files: ArchiveFiles
    owner: Owner
    site: str

    def entry(self, cells: dict[str, str], page: str | None) -> Entry:
        """What a row of the table and its page give.

        Raises:
            _Unusable: no document, though the post was published.
            UnreadableMember: the page cannot be read.
        """
        if cells.get("is_published", "").lower() != "true":
            return LeftOut("draft")
        post_id, written = cells.get("post_id", ""), cells.get("post_date", "")
        slug, published = post_id.partition(".")[2], parse_date(written)
        is_audio = cells.get("type") == "podcast" or bool(cells.get("podcast_url"))
        text = _text(self.files.read(page, _MAX_POST_BYTES)) if page else ""
        if not text and is_audio:
            return LeftOut("podcast without a text")
        if page is None:
            raise _Unusable(f"no posts/{post_id[:80]}.html")
        if not slug:
            raise _Unusable(f"post_id {post_id[:40]!r} holds no slug, so the post has no address")
        if published is None:
            raise _Unusable(f"post_date {written[:40]!r} is no date")
        return DocumentDraft.at(
            self.owner.author_id,
            f"{self.site}/p/{slug}",
            category=Category.POST if cells.get("type") == "thread" else Category.ARTICLE,
            platform="substack",
            title=cells.get("title", "").strip(),
            text=text,
            published_at=published,
            metadata={name: cells[column] for column, name in _METADATA.items() if cells.get(column)},
        )


def _read(files: ArchiveFiles, owner: Owner) -> Iterator[Entry]:
    pages = {_post_id(name): name for name in files.select(_POSTS)}
    site = _site(files, owner, list(pages.values()))
    if site is None:
        yield BadEntry(files.name, "it does not say where the publication lives: name it with --site URL")
        return
    publication = _Publication(files, owner, site)
    for table in files.select(_TABLE):
        try:
            with files.open(table) as file:
                for row in read_rows(file):
                    yield _row_entry(publication, row, table, pages)
        except UnreadableMember as error:
            yield BadEntry(table, str(error))
    for name in pages.values():
        yield BadEntry(name, "posts.csv does not list it, so whether it was ever published is unknown")


def _row_entry(publication: _Publication, row: Row | BrokenRow, table: str, pages: dict[str, str]) -> Entry:
    """The entry of a row; its page is taken out of `pages`."""
    place = f"{table}, row {row.number}"
    if isinstance(row, BrokenRow):
        return BadEntry(place, row.reason)
    page = pages.pop(row.cells.get("post_id", ""), None)
    try:
        return publication.entry(row.cells, page)
    except UnreadableMember as error:
        return BadEntry(page or place, str(error))
    except (_Unusable, InvalidUrl) as error:
        return BadEntry(place, str(error))


def _text(body: bytes) -> str:
    tree = parse_html(body)
    if tree is None:
        return ""
    for furniture in tree.xpath(_FURNITURE):
        if furniture.getparent() is not None:
            furniture.drop_tree()
    return to_markdown(tree)


def _post_id(name: str) -> str:
    return name.rsplit("/", 1)[-1].removesuffix(".html")


def _site(files: ArchiveFiles, owner: Owner, pages: list[str]) -> str | None:
    """The publication's address: as the owner names it, else where most posts let readers subscribe."""
    if owner.site:
        parts = urlsplit(owner.site if "//" in owner.site else f"https://{owner.site}")
        return f"https://{parts.netloc}"
    hosts: dict[str, int] = {}
    for name in pages[:_MOST_LOOKED_AT]:
        try:
            found = set(_SUBSCRIBE.findall(files.read(name, _MAX_POST_BYTES)))
        except UnreadableMember:
            continue
        for host in found:
            hosts[host.decode()] = hosts.get(host.decode(), 0) + 1
    return f"https://{max(hosts, key=lambda host: hosts[host])}" if hosts else None


def _members(files: ArchiveFiles) -> list[str]:
    tables = files.select(_TABLE)
    return [*tables, *files.select(_POSTS)] if tables else []


FORMAT = ArchiveFormat(name="substack", members=_members, read=_read)
