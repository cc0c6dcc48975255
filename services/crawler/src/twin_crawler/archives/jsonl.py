"""JSON Lines: one document a line, each an object with `url` and `text`.

Other fields: `title`, `published_at` (ISO 8601 or RFC 2822), `category` (article, post or code), `language`,
`platform`, `author` and `subtitle`; `link` is another word for `url`. Fields of other names are ignored.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO

import orjson

from twin_common.documents import Category, DocumentDraft
from twin_common.errors import InvalidUrl
from twin_common.identity import AuthorId
from twin_common.warehouse.document_rows import CATEGORIES
from twin_crawler.archive import ArchiveFormat, BadEntry, Entry, Owner
from twin_crawler.archive_files import ArchiveFiles
from twin_crawler.archive_members import UnreadableMember
from twin_crawler.page_metadata import parse_date

MAX_LINE_BYTES = 15 * 1024 * 1024
"""The warehouse holds documents of less than 16 MiB."""

_BOM = b"\xef\xbb\xbf"
_CATEGORIES = {**CATEGORIES, **{category.value: category for category in Category}}


class _Unusable(ValueError):
    """Why a line gives no document."""


def read(file: BinaryIO, author_id: AuthorId, name: str = "") -> Iterator[DocumentDraft | BadEntry]:
    """The documents of a file, never more than a line of it in memory. Blank lines are skipped."""
    before = f"{name}, " if name else ""
    number = 0
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        place = f"{before}line {number}"
        if len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
            _skip_line(file)
            yield BadEntry(place, f"longer than {MAX_LINE_BYTES // 1024 // 1024} MiB")
            continue
        line = line.removeprefix(_BOM) if number == 1 else line
        if not line.strip():
            continue
        try:
            yield _draft(line, author_id)
        except _Unusable as error:
            yield BadEntry(place, str(error))


def _read(files: ArchiveFiles, owner: Owner) -> Iterator[Entry]:
    names = _members(files)
    for name in names:
        try:
            with files.open(name) as file:
                yield from read(file, owner.author_id, name if len(names) > 1 else "")
        except UnreadableMember as error:
            yield BadEntry(name, str(error))


def _members(files: ArchiveFiles) -> list[str]:
    """Every member of this kind; a single file is one whatever its name."""
    named = files.select(lambda name: name.lower().endswith((".jsonl", ".ndjson")))
    return named or (list(files.members) if files.is_single_file else [])


def _skip_line(file: BinaryIO) -> None:
    while (rest := file.readline(1024 * 1024)) and not rest.endswith(b"\n"):
        pass


def _draft(line: bytes, author_id: AuthorId) -> DocumentDraft:
    try:
        entry = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise _Unusable(f"no JSON: {error.msg}") from error
    if not isinstance(entry, dict):
        raise _Unusable("no JSON object")
    subtitle = _text(entry, "subtitle")
    url = _text(entry, "url") or _text(entry, "link")
    if not url:
        raise _Unusable("no url")
    if entry.get("text") is None:
        raise _Unusable("no text")
    try:
        return DocumentDraft.at(
            author_id,
            url.strip(),
            category=_category(entry),
            platform=_text(entry, "platform") or "web",
            title=_text(entry, "title"),
            text=_text(entry, "text"),
            language=_text(entry, "language") or None,
            author_name=_text(entry, "author") or None,
            published_at=_published_at(entry),
            metadata={"subtitle": subtitle} if subtitle else {},
        )
    except InvalidUrl as error:
        raise _Unusable(str(error)) from error


def _text(entry: dict[str, Any], name: str) -> str:
    value = entry.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _Unusable(f"{name} is no text but {type(value).__name__}")
    return value


def _category(entry: dict[str, Any]) -> Category:
    name = _text(entry, "category").strip().lower() or Category.ARTICLE.value
    if name not in _CATEGORIES:
        raise _Unusable(f"category {name[:40]!r} is none of {', '.join(Category)}")
    return _CATEGORIES[name]


def _published_at(entry: dict[str, Any]) -> Any:
    text = _text(entry, "published_at").strip()
    if not text:
        return None
    found = parse_date(text)
    if found is None:
        raise _Unusable(f"published_at {text[:40]!r} is no date")
    return found


FORMAT = ArchiveFormat(name="jsonl", members=_members, read=_read)
