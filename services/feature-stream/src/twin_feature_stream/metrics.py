"""What Prometheus is told, and the span of each document."""

from datetime import datetime

from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Gauge, Histogram

from twin_common.documents import Stage, StageTimes
from twin_common.events import IndexOutcome

_FRESHNESS_SECONDS = (0.1, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 3, 5, 10, 30, 60, 300, 1800)
"""Fine around the objective of one second; deploy/observability/rules/freshness.yaml reads the bucket 1."""
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)

DOCUMENTS = Counter("twin_feature_stream_documents_total", "Documents by what the index did", ["outcome"])
CHUNKS = Counter("twin_feature_stream_chunks_total", "Chunks by where their vector came from", ["origin"])
TOKENS = Counter("twin_feature_stream_tokens_total", "Tokens that the encoder read")
DEAD_LETTERS = Counter("twin_feature_stream_dead_letters_total", "Dead letters by reason", ["reason"])
STAGE_SECONDS = Histogram(
    "twin_feature_stream_stage_seconds", "Time of one stage for one micro-batch", ["stage"], buckets=_SECONDS
)
FRESHNESS_SECONDS = Histogram(
    "twin_feature_stream_freshness_seconds",
    "From stored in the warehouse to searchable",
    buckets=_FRESHNESS_SECONDS,
)
LAG = Gauge("twin_feature_stream_lag_events", "Events not read yet", ["partition"])
LAST_EVENT = Gauge(
    "twin_feature_stream_last_event_timestamp_seconds",
    "Unix time at which an event was read last; 0 before the first",
)
RECONCILED = Counter(
    "twin_feature_stream_reconciled_documents_total", "Differences found and published", ["kind"]
)

# A series has to be there, at 0, before its first event: increase() does not see how a series is born.
for _outcome in (*IndexOutcome, "repeated"):
    DOCUMENTS.labels(str(_outcome))
for _origin in ("encoded", "reused"):
    CHUNKS.labels(_origin)
for _reason in (
    *("no_cloudevent", "malformed_event", "unsupported_schema", "identity_mismatch", "malformed_document"),
    *("embedding_failed", "refused_by_index"),
):
    DEAD_LETTERS.labels(_reason)
for _kind in ("missing", "stale", "foreign"):
    RECONCILED.labels(_kind)

_tracer = trace.get_tracer("twin")


def trace_document(outcome: str, document_id: str, stages: StageTimes, traceparent: str | None) -> str | None:
    """Record the document's way through this service as one span below `traceparent`.

    Returns:
        The trace context to hand on.
    """
    parent = propagate.extract({"traceparent": traceparent}) if traceparent else None
    span = _tracer.start_span(
        "index document",
        context=parent,
        kind=SpanKind.CONSUMER,
        attributes={"twin.document_id": document_id, "twin.outcome": outcome},
        start_time=_nanoseconds(stages.received_at),
    )
    for stage in (Stage.CLEANED, Stage.CHUNKED, Stage.EMBEDDED):
        if at := getattr(stages, stage):
            span.add_event(stage, timestamp=_nanoseconds(at))
    carrier: dict[str, str] = {}
    propagate.inject(carrier, trace.set_span_in_context(span))
    span.end(_nanoseconds(stages.searchable_at))
    return carrier.get("traceparent", traceparent)


def _nanoseconds(at: datetime | None) -> int | None:
    return int(at.timestamp() * 1e9) if at else None
