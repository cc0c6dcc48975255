"""Imports an archive file straight into the warehouse."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from twin_common.documents import DocumentDraft
from twin_common.identity import AuthorId
from twin_common.telemetry import current_traceparent, span
from twin_common.warehouse import Warehouse, WriteKind
from twin_crawler.archives import jsonl
from twin_crawler.archives.jsonl import BadLine

_BATCH_DOCUMENTS = 100
_BATCH_CHARACTERS = 8 * 1024 * 1024
_MOST_BAD_LINES = 1000


@dataclass(frozen=True)
class ImportReport:
    """What an import did, in documents; of two lines of one batch with the same address the later counts."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    bad_line_count: int = 0
    bad_lines: tuple[BadLine, ...] = ()
    """The first thousand."""

    @property
    def documents(self) -> int:
        """Documents that the warehouse holds as the file says."""
        return self.inserted + self.updated + self.unchanged


@dataclass(frozen=True)
class _Batch:
    drafts: tuple[DocumentDraft, ...]
    bad_lines: tuple[BadLine, ...]
    position: int
    """Bytes of the file that were read up to here."""


async def import_file(
    path: Path,
    author_id: AuthorId,
    warehouse: Warehouse,
    on_progress: Callable[[int, int], None],
) -> ImportReport:
    """Import a JSON Lines file (`archives.jsonl`); bad lines are reported and the rest goes in.

    Documents without text are stored too: what is made of them is the index's to say.

    Args:
        path: the file; it is streamed, however large.
        author_id: whose documents they are.
        warehouse: a connected warehouse.
        on_progress: called after each batch with the bytes read so far and the file's size.

    Raises:
        OSError: the file cannot be read.
        pymongo.errors.PyMongoError: the warehouse does not take the documents.
    """
    report = ImportReport()
    size = (await asyncio.to_thread(path.stat)).st_size
    batches = _read_batches(path, author_id)
    with span("import", format="jsonl"):
        while (batch := await asyncio.to_thread(next, batches, None)) is not None:
            distinct = list({draft.document_id: draft for draft in batch.drafts}.values())
            outcomes = await warehouse.documents.put_many(distinct, current_traceparent()) if distinct else []
            kinds = [outcome.kind for outcome in outcomes]
            report = replace(
                report,
                inserted=report.inserted + kinds.count(WriteKind.INSERTED),
                updated=report.updated + kinds.count(WriteKind.UPDATED),
                unchanged=report.unchanged + kinds.count(WriteKind.UNCHANGED),
                bad_line_count=report.bad_line_count + len(batch.bad_lines),
                bad_lines=(report.bad_lines + batch.bad_lines)[:_MOST_BAD_LINES],
            )
            on_progress(batch.position, size)
    return report


def _read_batches(path: Path, author_id: AuthorId) -> Iterator[_Batch]:
    drafts: list[DocumentDraft] = []
    bad_lines: list[BadLine] = []
    characters = 0
    with path.open("rb") as file:
        for entry in jsonl.read(file, author_id):
            if isinstance(entry, BadLine):
                bad_lines.append(entry)
            else:
                drafts.append(entry)
                characters += len(entry.text)
            full = len(drafts) + len(bad_lines) >= _BATCH_DOCUMENTS or characters >= _BATCH_CHARACTERS
            if full:
                yield _Batch(tuple(drafts), tuple(bad_lines), file.tell())
                drafts, bad_lines, characters = [], [], 0
        yield _Batch(tuple(drafts), tuple(bad_lines), file.tell())
