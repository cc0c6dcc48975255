"""How an index differs from the warehouse, and the events that mend it. Nothing here does I/O."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from twin_common.documents import HeadStatus, hash_of_chunks
from twin_common.events import DocumentDeleted, DocumentUpserted, Message, encode, tombstone
from twin_common.warehouse import DocumentVersion
from twin_feature_stream.cleaning import clean_line
from twin_feature_stream.work import SERVICE

Payload = Mapping[str, Any]

_SHARED_FACTS = ("author_id", "category", "platform", "url", "title", "language", "published_at", "version")
"""What every chunk repeats of its document's head."""
HEAD_FIELDS = (
    *_SHARED_FACTS,
    *("document_id", "content_hash", "chunk_count", "chunks_hash", "status", "duplicate_of"),
)
CHUNK_FIELDS = (*_SHARED_FACTS, "document_id", "chunk_index", "text_hash")

_TIME = TypeAdapter(datetime | None)


@dataclass(frozen=True)
class Stale:
    """The index holds another state of the document than the warehouse."""

    stored: DocumentVersion
    indexed_version: int
    reasons: tuple[str, ...] = ()
    """What differs, a sentence each."""


@dataclass(frozen=True)
class Foreign:
    """The index holds something of a document that the warehouse does not have."""

    document_id: str
    version: int
    """The newest version that the index holds."""


@dataclass(frozen=True)
class Difference:
    """All that keeps the index from equalling the warehouse."""

    missing: tuple[DocumentVersion, ...] = ()
    stale: tuple[Stale, ...] = ()
    foreign: tuple[Foreign, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many documents are missing, stale and foreign."""
        return {"missing": len(self.missing), "stale": len(self.stale), "foreign": len(self.foreign)}

    def __bool__(self) -> bool:
        return any(self.counts.values())

    @classmethod
    def together(cls, parts: Iterable["Difference"]) -> "Difference":
        """One difference out of those of several pages."""
        known = list(parts)
        return cls(
            missing=tuple(entry for part in known for entry in part.missing),
            stale=tuple(entry for part in known for entry in part.stale),
            foreign=tuple(entry for part in known for entry in part.foreign),
        )

    def described(self) -> list[dict[str, str]]:
        """A row a document, for a person: `document_id`, `kind` and `reason`."""
        return [
            *(_row(entry.document_id, "missing", entry.url) for entry in self.missing),
            *(_row(entry.stored.document_id, "stale", "; ".join(entry.reasons)) for entry in self.stale),
            *(_row(entry.document_id, "foreign", f"version {entry.version}") for entry in self.foreign),
        ]

    def messages(self) -> Iterator[Message]:
        """The events that mend it, as the change feed would send them."""
        for missing in self.missing:
            yield _upsert(missing)
        for stale in self.stale:
            if stale.indexed_version >= stale.stored.version:
                # The version rule would skip an upsert of what the index believes to have.
                deletion = DocumentDeleted(
                    document_id=stale.stored.document_id, version=stale.indexed_version
                )
                yield encode(deletion, SERVICE)
            yield _upsert(stale.stored)
        for foreign in self.foreign:
            deletion = DocumentDeleted(document_id=foreign.document_id, version=foreign.version)
            yield encode(deletion, SERVICE)
            yield tombstone(deletion)


def find_reasons(
    stored: DocumentVersion, head: Payload, chunks: Sequence[Payload], leader: Payload | None = None
) -> tuple[str, ...]:
    """Why what the index holds of a document is not what the warehouse has; empty when it is.

    Compared are the version, the hash of the content, every fact that head and chunks repeat of the
    document, and number, order and hashes of the chunks.

    Args:
        leader: the head of the document that is searched in place of a duplicate.
    """
    found: list[str] = []
    expected = {
        "author_id": stored.author_id,
        "category": stored.category.value,
        "platform": stored.platform,
        "url": stored.url,
        "title": clean_line(stored.title),
        "language": stored.language,
        "published_at": _TIME.dump_python(stored.published_at, mode="json"),
        "version": stored.version,
        "content_hash": stored.content_hash,
    }
    found += [
        f"its {name} is {head.get(name)!r} in the index, {value!r} in the warehouse"
        for name, value in expected.items()
        if head.get(name) != value
    ]
    ordered = sorted(chunks, key=lambda chunk: int(chunk["chunk_index"]))
    if [chunk["chunk_index"] for chunk in ordered] != list(range(head["chunk_count"])):
        found.append(f"{len(ordered)} chunks are there, its head tells of {head['chunk_count']}")
    elif head.get("chunks_hash") and head["chunks_hash"] != hash_of_chunks(
        str(chunk["text_hash"]) for chunk in ordered
    ):
        found.append("a chunk holds another text than its head tells of")
    for name in _SHARED_FACTS:
        others = sum(chunk.get(name) != head.get(name) for chunk in ordered)
        if others:
            found.append(f"{others} chunks have another {name} than their head")
    if head.get("duplicate_of") and (leader is None or leader.get("status") != HeadStatus.SEARCHABLE):
        found.append(f"the document {head['duplicate_of']}, searched in its place, cannot be")
    return tuple(found)


def _row(document_id: str, kind: str, reason: str) -> dict[str, str]:
    return {"document_id": document_id, "kind": kind, "reason": reason}


def _upsert(version: DocumentVersion) -> Message:
    event = DocumentUpserted(
        document_id=version.document_id, category=version.category, version=version.version
    )
    return encode(event, SERVICE)
