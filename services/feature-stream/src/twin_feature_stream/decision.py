"""What to do about the changes of one document, given what the index knows of it. Nothing here does I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from twin_common.documents import HeadStatus, HeadSummary
from twin_common.errors import PoisonMessage
from twin_common.events import DocumentDeleted, DocumentUpserted, decode
from twin_feature_stream.work import Change, Received


@dataclass(frozen=True)
class Decision:
    """At most one removal, then at most one indexing; `repeated` is the redelivery of what is indexed."""

    remove: Change | None = None
    index: Change | None = None
    repeated: Change | None = None


def read(received: Received) -> Change | None:
    """The change in a record; None for a tombstone.

    Raises:
        PoisonMessage: the record is none of the events of the topic, or contradicts itself.
    """
    record = received.record
    if record.value is None:
        return None
    envelope = decode(record.value, record.headers, DocumentUpserted, DocumentDeleted)
    event = envelope.event
    if not isinstance(
        event, DocumentUpserted | DocumentDeleted
    ):  # pragma: no cover - decode accepts no other
        raise TypeError(f"{type(event).__name__} is no change of a document")
    _check(event)
    return Change(received, event, envelope.traceparent)


def decide(changes: Sequence[Change], head: HeadSummary | None) -> Decision:
    """Fold the changes of one document, in their order, into the least that must be done.

    An upsert counts when its version is above what the index knows, or equal where that attempt failed or
    the event asks for a new decision; a deletion counts unless the index knows something newer than what it
    deletes.
    """
    known = head.version if head else 0
    failed = head is not None and head.status is HeadStatus.FAILED
    remove: Change | None = None
    index: Change | None = None
    repeated: Change | None = None
    for change in changes:
        event = change.event
        if isinstance(event, DocumentDeleted):
            if event.version is None or known <= event.version:
                remove, index, repeated = change, None, None
                known, failed = 0, False
        elif event.version > known or (
            event.version == known and (failed or (event.again and index is None))
        ):
            index = change
            known, failed = event.version, False
        elif head is not None and event.version == head.version:
            repeated = change
    if remove or index:
        repeated = None
    return Decision(remove, index, repeated)


def _check(event: DocumentUpserted | DocumentDeleted) -> None:
    try:
        canonical = str(UUID(event.document_id))
    except ValueError:
        canonical = ""
    if canonical != event.document_id:
        raise PoisonMessage("malformed_event", f"document_id {event.document_id[:80]!r} is no UUID")
    inline = event.document if isinstance(event, DocumentUpserted) else None
    if inline is not None and inline.document_id != event.document_id:
        raise PoisonMessage(
            "identity_mismatch",
            f"the document of author {inline.author_id} at {inline.canonical_url[:200]} "
            f"has the id {inline.document_id}, the event says {event.document_id}",
        )
