"""What the service tells the world about a document, as `DocumentIndexed`."""

from twin_common.documents import DocumentHead, HeadStatus, HeadSummary, StageTimes
from twin_common.events import DocumentIndexed, IndexOutcome, Message, encode
from twin_feature_stream import metrics
from twin_feature_stream.work import SERVICE, Change, Removal, Replacement


def announce(replacement: Replacement, head: DocumentHead) -> Message:
    """The index now stands to the document as `head` says."""
    stages = head.stages
    metrics.DOCUMENTS.labels(head.status.value).inc()
    new = not replacement.change.again  # of a version that was known before, the time says nothing
    if new and head.status is HeadStatus.SEARCHABLE and stages.stored_at and stages.searchable_at:
        metrics.FRESHNESS_SECONDS.observe((stages.searchable_at - stages.stored_at).total_seconds())
    traceparent = metrics.trace_document(
        head.status.value, head.document_id, stages, replacement.change.traceparent
    )
    return _message(head, traceparent)


def announce_again(change: Change, head: HeadSummary) -> Message:
    """The index already stood so; said again, since a crash may have swallowed the first time."""
    metrics.DOCUMENTS.labels("repeated").inc()
    return _message(head, change.traceparent)


def announce_removal(removal: Removal) -> Message:
    """The index holds nothing of the document any more."""
    metrics.DOCUMENTS.labels(IndexOutcome.DELETED.value).inc()
    change = removal.change
    stages = StageTimes(captured_at=change.event.captured_at, received_at=change.received.received_at)
    traceparent = metrics.trace_document(
        IndexOutcome.DELETED.value, removal.document_id, stages, change.traceparent
    )
    event = DocumentIndexed(
        document_id=removal.document_id,
        author_id=removal.author_id,
        version=removal.version,
        outcome=IndexOutcome.DELETED,
        stages=stages,
    )
    return encode(event, SERVICE, traceparent=traceparent)


def _message(head: HeadSummary, traceparent: str | None) -> Message:
    event = DocumentIndexed(
        document_id=head.document_id,
        author_id=head.author_id,
        version=head.version,
        outcome=IndexOutcome(head.status.value),
        reason=head.reason,
        chunk_count=head.chunk_count,
        stages=head.stages,
    )
    event_id = f"{head.document_id}/{head.version}/{head.status.value}"
    return encode(event, SERVICE, event_id=event_id, traceparent=traceparent)
