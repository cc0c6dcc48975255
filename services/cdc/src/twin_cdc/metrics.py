"""What the service tells Prometheus."""

from collections.abc import Sequence
from datetime import UTC, datetime

from prometheus_client import Counter, Gauge, Histogram

from twin_cdc.mapping import Change, Upsert

EVENTS = Counter("twin_cdc_events_total", "Changes handed to Kafka.", ["operation"])
TOKENS_LOST = Counter("twin_cdc_resume_tokens_lost_total", "Times the position in the change log was lost.")
FAILURES = Counter("twin_cdc_failures_total", "Times the relay broke off and began again.", ["server"])
LAST_EVENT = Gauge("twin_cdc_last_event_timestamp_seconds", "When a change was last captured.")
LAG = Histogram(
    "twin_cdc_lag_seconds",
    "From the write of a document to its capture.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
)


def count(changes: Sequence[Change], captured_at: datetime) -> None:
    """Record a batch."""
    if changes:
        LAST_EVENT.set(captured_at.timestamp())
    for change in changes:
        if isinstance(change, Upsert):
            EVENTS.labels("upsert").inc()
            stored_at = change.row.get("stored_at")
            if isinstance(stored_at, datetime):
                LAG.observe(max(0.0, (captured_at - stored_at.astimezone(UTC)).total_seconds()))
        else:
            EVENTS.labels("delete").inc()
