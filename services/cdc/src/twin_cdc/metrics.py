"""What the service tells Prometheus."""

from collections.abc import Sequence

from prometheus_client import Counter, Gauge, Histogram

from twin_cdc.mapping import Change, Upsert
from twin_cdc.server_clock import ServerClock

EVENTS = Counter("twin_cdc_events_total", "Changes handed to Kafka.", ["operation"])
TOKENS_LOST = Counter("twin_cdc_resume_token_lost_total", "Times the position in the change log was lost.")
FAILURES = Counter("twin_cdc_failures_total", "Times the relay broke off and began again.", ["server"])
LAST_EVENT = Gauge("twin_cdc_last_event_timestamp_seconds", "When a change was last captured.")
LAG = Histogram(
    "twin_cdc_lag_seconds",
    "From the write of a document to Kafka's confirmation, by the warehouse's clock.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
)
PENDING = Gauge("twin_cdc_pending_events", "Changes that were read and that Kafka has not confirmed.")
BEHIND = Gauge("twin_cdc_behind_seconds", "Age of the oldest change that Kafka has not confirmed; 0: none.")
LEASE_HELD = Gauge("twin_cdc_lease_held", "1 where this copy relays, 0 where it waits for another.")
BACK_FILLS = Counter("twin_cdc_back_fills_total", "Times all documents were published anew.")
BACK_FILL_EXPECTED = Gauge("twin_cdc_back_fill_expected_documents", "What the back-fill has to publish.")
BACK_FILL_DONE = Gauge("twin_cdc_back_fill_published_documents", "What it has published so far.")

# A series has to be there, at 0, before its first event: increase() does not see how a series is born.
for _operation in ("upsert", "delete"):
    EVENTS.labels(_operation)
for _server in ("kafka", "warehouse"):
    FAILURES.labels(_server)


def count(changes: Sequence[Change], clock: ServerClock) -> None:
    """Record a batch that Kafka has confirmed."""
    now = clock.now()
    if changes:
        LAST_EVENT.set(now.timestamp())
    for change in changes:
        EVENTS.labels("upsert" if isinstance(change, Upsert) else "delete").inc()
        if change.written_at is not None:
            LAG.observe(max(0.0, (now - change.written_at).total_seconds()))
