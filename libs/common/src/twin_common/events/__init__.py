"""The facts and commands that travel between services: one file a topic.

An event is a pydantic model; `encode` makes a Kafka message of it and `decode` takes one apart. Within a
major version fields are only added, so readers ignore what they do not know.
"""

from twin_common.events.crawl_requests import CrawlRequested
from twin_common.events.crawl_runs import (
    CrawlCounts,
    CrawlReported,
    LinkError,
    LinkOutcome,
    LinkReport,
    LinkStatus,
    OutcomeCounts,
    PlannedPage,
    RunStatus,
)
from twin_common.events.datasets_ready import DatasetReady
from twin_common.events.document_changes import DocumentDeleted, DocumentUpserted
from twin_common.events.documents_indexed import DocumentIndexed, IndexOutcome
from twin_common.events.event import Event
from twin_common.events.feedback import FeedbackGiven, Rating
from twin_common.events.messages import (
    CONTENT_TYPE,
    EVENTS,
    Envelope,
    Headers,
    Message,
    decode,
    encode,
    schema_id,
    tombstone,
)
from twin_common.events.models_lifecycle import ModelChanged

__all__ = [
    "CONTENT_TYPE",
    "EVENTS",
    "CrawlCounts",
    "CrawlReported",
    "CrawlRequested",
    "DatasetReady",
    "DocumentDeleted",
    "DocumentIndexed",
    "DocumentUpserted",
    "Envelope",
    "Event",
    "FeedbackGiven",
    "Headers",
    "IndexOutcome",
    "LinkError",
    "LinkOutcome",
    "LinkReport",
    "LinkStatus",
    "Message",
    "ModelChanged",
    "OutcomeCounts",
    "PlannedPage",
    "Rating",
    "RunStatus",
    "decode",
    "encode",
    "schema_id",
    "tombstone",
]
