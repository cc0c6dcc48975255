"""From a change of the warehouse to the messages that say so; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from twin_common.documents import Category, RawDocument
from twin_common.events import DocumentDeleted, DocumentUpserted, Message, encode, tombstone
from twin_common.warehouse.document_rows import CATEGORIES, from_row

SOURCE = "cdc"
ResumeToken = Mapping[str, Any]


@dataclass(frozen=True)
class Upsert:
    """A document was written; `row` is what the warehouse holds."""

    document_id: str
    category: Category
    row: Mapping[str, Any]
    written_at: datetime | None = None
    """By the warehouse's clock; None where it does not say."""


@dataclass(frozen=True)
class Delete:
    """A document was removed; a `version` leaves alone what is newer."""

    document_id: str
    version: int | None = None
    written_at: datetime | None = None


Change = Upsert | Delete


def to_change(event: Mapping[str, Any]) -> Change | None:
    """Read an event of the change stream; None where there is nothing to tell.

    An update whose document is gone by the time it is looked up says nothing: its deletion follows.
    """
    collection = event.get("ns", {}).get("coll")
    category = CATEGORIES.get(collection)
    if category is None:
        return None
    document_id, written_at = str(event["documentKey"]["_id"]), event.get("wallTime")
    if event["operationType"] == "delete":
        return Delete(document_id, written_at=written_at)
    row = event.get("fullDocument")
    return Upsert(document_id, category, row, written_at) if row is not None else None


def join_fragments(fragments: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The event that the server split because it was over 16 MB: each fragment has some of its fields."""
    whole: dict[str, Any] = {}
    for fragment in fragments:
        whole |= fragment
    return whole


def to_messages(
    change: Change, captured_at: datetime, inline_limit_bytes: int, traceparent: str | None = None
) -> list[Message]:
    """The messages of a change: an upsert, or a deletion with its tombstone behind it.

    A document over the limit, and a row that is no document by our rules, travel by claim check: the first
    spares Kafka, the second leaves the judgement, and the dead letter, to the reader.
    """
    if isinstance(change, Delete):
        deleted = DocumentDeleted(
            document_id=change.document_id, version=change.version, captured_at=captured_at
        )
        event_id = f"{change.document_id}:deleted:{captured_at.isoformat()}"
        return [encode(deleted, SOURCE, event_id=event_id, traceparent=traceparent), tombstone(deleted)]
    document = _parse(change.row)
    version = document.version if document else _version_of(change.row)
    claim_check = DocumentUpserted(
        document_id=change.document_id, category=change.category, version=version, captured_at=captured_at
    )
    event_id = f"{change.document_id}:{version}"
    if document is not None and len(document.text) <= inline_limit_bytes:
        inline = claim_check.model_copy(update={"document": document})
        message = encode(inline, SOURCE, event_id=event_id, traceparent=traceparent)
        if len(message.value or b"") <= inline_limit_bytes:
            return [message]
    return [encode(claim_check, SOURCE, event_id=event_id, traceparent=traceparent)]


def traceparent_of(change: Change) -> str | None:
    """The trace that the change belongs to: that of the crawl or import that wrote the document."""
    value = change.row.get("traceparent") if isinstance(change, Upsert) else None
    return value if isinstance(value, str) else None


def _parse(row: Mapping[str, Any]) -> RawDocument | None:
    try:
        return from_row(row)
    except ValidationError:
        return None


def _version_of(row: Mapping[str, Any]) -> int:
    version = row.get("version")
    return version if isinstance(version, int) and version >= 1 else 1
