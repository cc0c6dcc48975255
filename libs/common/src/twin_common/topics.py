"""Every Kafka topic of the platform: its name, its partitions and how long it keeps a message."""

from dataclasses import dataclass

_DAY_MS = 24 * 3600 * 1000


@dataclass(frozen=True)
class Topic:
    """A topic as it is created; `retention_ms` of None keeps messages as long as the broker's default."""

    name: str
    partitions: int
    compacted: bool = False
    retention_ms: int | None = None

    @property
    def config(self) -> dict[str, str]:
        """The topic's settings in Kafka's own words."""
        settings = {"cleanup.policy": "compact" if self.compacted else "delete"}
        if self.retention_ms is not None:
            settings["retention.ms"] = str(self.retention_ms)
        return settings


CRAWL_REQUESTS = Topic("crawl.requests.v1", partitions=4, retention_ms=7 * _DAY_MS)
CRAWL_RUNS = Topic("crawl.runs.v1", partitions=4, retention_ms=30 * _DAY_MS)
DOCUMENT_CHANGES = Topic("content.documents.changes.v1", partitions=4, compacted=True)
DOCUMENTS_INDEXED = Topic("content.documents.indexed.v1", partitions=4, retention_ms=7 * _DAY_MS)
DATASETS_READY = Topic("datasets.ready.v1", partitions=4, retention_ms=365 * _DAY_MS)
MODELS_LIFECYCLE = Topic("models.lifecycle.v1", partitions=4, retention_ms=365 * _DAY_MS)
FEEDBACK = Topic("feedback.v1", partitions=4, retention_ms=365 * _DAY_MS)


def dead_letter_topic(topic: str, service: str) -> Topic:
    """Where `service` puts what it cannot use of `topic`; kept long enough for a person to look."""
    return Topic(f"{topic}.{service}.dlq", partitions=1, retention_ms=30 * _DAY_MS)


CRAWL_REQUESTS_DEAD = dead_letter_topic(CRAWL_REQUESTS.name, "crawler")
DOCUMENT_CHANGES_DEAD = dead_letter_topic(DOCUMENT_CHANGES.name, "feature-stream")
DATASETS_READY_DEAD = dead_letter_topic(DATASETS_READY.name, "trainer")

ALL_TOPICS = (
    CRAWL_REQUESTS,
    CRAWL_RUNS,
    DOCUMENT_CHANGES,
    DOCUMENTS_INDEXED,
    DATASETS_READY,
    MODELS_LIFECYCLE,
    FEEDBACK,
    CRAWL_REQUESTS_DEAD,
    DOCUMENT_CHANGES_DEAD,
    DATASETS_READY_DEAD,
)
