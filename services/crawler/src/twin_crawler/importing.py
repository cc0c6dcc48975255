"""Imports an archive straight into the warehouse."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from twin_common.documents import DocumentDraft
from twin_common.identity import AuthorId
from twin_common.telemetry import current_traceparent, span
from twin_common.warehouse import Warehouse, WriteKind
from twin_crawler.archive import ArchiveFormat, BadEntry, LeftOut, Owner, choose_format
from twin_crawler.archive_files import ArchiveFiles, open_archive

_BATCH_DOCUMENTS = 100
_BATCH_CHARACTERS = 8 * 1024 * 1024
_MOST_BAD_ENTRIES = 1000


@dataclass(frozen=True)
class ImportReport:
    """What an import did, in documents; of two entries of a batch with one address the later counts."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    bad_entry_count: int = 0
    bad_entries: tuple[BadEntry, ...] = ()
    """The first thousand."""
    left_out: dict[str, int] = field(default_factory=dict)
    """How many entries are no documents on purpose, by reason."""

    @property
    def documents(self) -> int:
        """Documents that the warehouse holds as the archive says."""
        return self.inserted + self.updated + self.unchanged


@dataclass(frozen=True)
class _Batch:
    drafts: tuple[DocumentDraft, ...]
    bad_entries: tuple[BadEntry, ...]
    left_out: Counter[str]
    position: int
    """Bytes of the archive that were read up to here."""
    size: int
    """Bytes that there are to read, as far as is known."""


async def import_file(
    path: Path,
    author_id: AuthorId,
    warehouse: Warehouse,
    on_progress: Callable[[int, int], None],
    *,
    format: str = "jsonl",  # noqa: A002 -- the option's name
    site: str | None = None,
) -> ImportReport:
    """Import an archive (`archives/` says which); bad entries are reported and the rest goes in.

    Documents without text are stored too: what is made of them is the index's to say.

    Args:
        path: a zip file, a folder or a single file; it is streamed, however large.
        author_id: whose documents they are.
        warehouse: a connected warehouse.
        on_progress: called after each batch with the bytes read so far and how many there are.
        format: the product that made the archive.
        site: where the owner publishes, for exports that hold no addresses.

    Raises:
        UnusableArchive: the archive is none of this format.
        UnreadableArchive: the file is no archive that can be read.
        OSError: the file cannot be read.
        pymongo.errors.PyMongoError: the warehouse does not take the documents.
    """
    report = ImportReport()
    batches = _read_batches(path, Owner(author_id, site), format)
    with span("import", format=format):
        while (batch := await asyncio.to_thread(next, batches, None)) is not None:
            distinct = list({draft.document_id: draft for draft in batch.drafts}.values())
            outcomes = await warehouse.documents.put_many(distinct, current_traceparent()) if distinct else []
            kinds = [outcome.kind for outcome in outcomes]
            report = replace(
                report,
                inserted=report.inserted + kinds.count(WriteKind.INSERTED),
                updated=report.updated + kinds.count(WriteKind.UPDATED),
                unchanged=report.unchanged + kinds.count(WriteKind.UNCHANGED),
                bad_entry_count=report.bad_entry_count + len(batch.bad_entries),
                bad_entries=(report.bad_entries + batch.bad_entries)[:_MOST_BAD_ENTRIES],
                left_out=dict(Counter(report.left_out) + batch.left_out),
            )
            on_progress(batch.position, batch.size)
    return report


def _read_batches(path: Path, owner: Owner, format_name: str) -> Iterator[_Batch]:
    files = open_archive(path)
    archive_format = choose_format(format_name, files)
    size = sum(files.members[name].packed_bytes for name in archive_format.members(files))
    files.start_metering()
    drafts: list[DocumentDraft] = []
    bad_entries: list[BadEntry] = []
    left_out: Counter[str] = Counter()
    characters = 0
    for entry in _entries(files, archive_format, owner):
        if isinstance(entry, BadEntry):
            bad_entries.append(entry)
        elif isinstance(entry, LeftOut):
            left_out[entry.reason] += 1
        else:
            drafts.append(entry)
            characters += len(entry.text)
        entries = len(drafts) + len(bad_entries) + left_out.total()
        if entries >= _BATCH_DOCUMENTS or characters >= _BATCH_CHARACTERS:
            yield _Batch(
                tuple(drafts), tuple(bad_entries), left_out, min(files.packed_bytes_read, size), size
            )
            drafts, bad_entries, left_out, characters = [], [], Counter(), 0
    yield _Batch(tuple(drafts), tuple(bad_entries), left_out, size, size)


def _entries(
    files: ArchiveFiles, archive_format: ArchiveFormat, owner: Owner
) -> Iterator[DocumentDraft | BadEntry | LeftOut]:
    if files.damage:
        yield BadEntry(files.name, files.damage)
    yield from archive_format.read(files, owner)
