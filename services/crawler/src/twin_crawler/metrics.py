"""What the crawler tells Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

from twin_common.events import CrawlCounts, LinkOutcome, RunStatus

PAGES = Counter("twin_crawler_pages_total", "Pages that a crawl dealt with, by outcome.", ["outcome"])
LINK_ERRORS = Counter("twin_crawler_link_errors_total", "Addresses that gave no document.", ["reason"])
RECEIVED = Counter("twin_crawler_received_bytes_total", "Bytes received from sites, before decompression.")
RUN_SECONDS = Histogram(
    "twin_crawler_run_duration_seconds",
    "How long a crawl took, by how it ended.",
    ["status"],
    buckets=(1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 24 * 3600),
)
RUNS_UNDER_WAY = Gauge("twin_crawler_runs_under_way", "Crawls that run now.")
RUNS_WAITING = Gauge("twin_crawler_runs_waiting", "Requests that were taken but whose crawl has not begun.")
DEAD_LETTERS = Counter("twin_crawler_dead_letters_total", "Requests that nobody can use.", ["reason"])

# A series has to be there, at 0, before its first event: increase() does not see how a series is born.
for _outcome in LinkOutcome:
    PAGES.labels(_outcome.value)
for _status in (RunStatus.FINISHED, RunStatus.FAILED):
    RUN_SECONDS.labels(_status.value)
for _reason in ("no_cloudevent", "malformed_event", "unsupported_schema"):
    DEAD_LETTERS.labels(_reason)


def count_progress(before: CrawlCounts, now: CrawlCounts) -> None:
    """Add what happened between two reports of a crawl."""
    for outcome in LinkOutcome:
        PAGES.labels(outcome.value).inc(max(0, getattr(now, outcome.value) - getattr(before, outcome.value)))
    RECEIVED.inc(max(0, now.bytes_received - before.bytes_received))
