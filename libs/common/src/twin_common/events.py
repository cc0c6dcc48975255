"""The facts and commands that travel between services, as CloudEvents in Kafka's binary mode.

An event is a pydantic model; `encode` makes a Kafka message of it and `decode` takes one apart. Within a
major version fields are only added, so readers ignore what they do not know.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from twin_common.clock import utc_now
from twin_common.documents import AuthorSlug, Category, RawDocument, StageTimes, Timestamp
from twin_common.errors import PoisonMessage, UnsupportedSchema
from twin_common.models import ModelRecord, ModelStage
from twin_common.topics import (
    CRAWL_REQUESTS,
    CRAWL_RUNS,
    DATASETS_READY,
    DOCUMENT_CHANGES,
    DOCUMENTS_INDEXED,
    FEEDBACK,
    MODELS_LIFECYCLE,
    Topic,
)

Headers = list[tuple[str, bytes]]


@dataclass(frozen=True)
class Message:
    """A Kafka message ready to be produced; a `value` of None is a tombstone."""

    topic: str
    key: bytes
    value: bytes | None
    headers: Headers


class Event(BaseModel, ABC):
    """What every event has; `TYPE` is its CloudEvents type, whose last part is the major version."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)
    TYPE: ClassVar[str]
    TOPIC: ClassVar[Topic]

    @property
    @abstractmethod
    def key(self) -> str:
        """The Kafka key: events of one key stay in order."""


class CrawlRequested(Event):
    """Command: crawl these links of an author; without links, all that the author has registered."""

    TYPE = "twin.crawl.requested.v1"
    TOPIC = CRAWL_REQUESTS

    run_id: str = Field(default_factory=lambda: str(uuid4()))
    author_id: AuthorSlug
    links: tuple[str, ...] = ()
    dry_run: bool = False
    """Only list what would be fetched."""
    requested_at: Timestamp = Field(default_factory=utc_now)

    @property
    def key(self) -> str:
        return self.author_id


class LinkOutcome(StrEnum):
    """What became of one address of a crawl."""

    INSERTED = "inserted"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    GONE_ONCE = "gone_once"
    DELETED = "deleted"
    FAILED = "failed"


class LinkError(BaseModel):
    """Why one address gave no document; `reason` is a word for counting, `detail` a sentence."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)
    url: str
    reason: str
    detail: str


class OutcomeCounts(BaseModel):
    """How many addresses had which outcome so far."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)
    discovered: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    gone_once: int = 0
    deleted: int = 0
    failed: int = 0

    @property
    def handled(self) -> int:
        """Addresses that have an outcome."""
        return self.inserted + self.updated + self.unchanged + self.gone_once + self.deleted + self.failed


class CrawlCounts(OutcomeCounts):
    """How many addresses of a whole crawl had which outcome so far, and what that cost."""

    skipped: int = 0
    """Of the unchanged: not even asked for, because the date in their feed or sitemap says enough."""
    bytes_received: int = 0


class LinkStatus(StrEnum):
    """Where a registered link stands in a crawl."""

    CRAWLING = "crawling"
    DONE = "done"
    FAILED = "failed"
    PAUSED = "paused"


class LinkReport(BaseModel):
    """What a crawl made of one registered link."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)
    url: str
    status: LinkStatus
    counts: OutcomeCounts = OutcomeCounts()
    reason: str | None = None
    """A word, for a link that failed or is paused."""
    detail: str | None = None
    """The same as a sentence."""
    paused_until: Timestamp | None = None
    """Before this time the link is left alone."""


class PlannedPage(BaseModel):
    """A page that a crawl would fetch."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)
    url: str
    link: str
    known: bool
    """Whether an earlier crawl stored it."""


class RunStatus(StrEnum):
    """Where a crawl stands."""

    STARTED = "started"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"


class CrawlReported(Event):
    """A crawl started, moved on or ended; the newest report of a run holds all the earlier ones said."""

    TYPE = "twin.crawl.reported.v1"
    TOPIC = CRAWL_RUNS

    run_id: str
    author_id: AuthorSlug
    status: RunStatus
    counts: CrawlCounts = CrawlCounts()
    errors: tuple[LinkError, ...] = ()
    """At most the first 1,000; `counts.failed` has the true number."""
    links: tuple[LinkReport, ...] = ()
    """The registered links of the run, in order."""
    domains: dict[str, OutcomeCounts] = Field(default_factory=dict)
    """Counts by host, of the first 200 hosts."""
    categories: dict[str, OutcomeCounts] = Field(default_factory=dict)
    """Counts by category of document."""
    planned: tuple[PlannedPage, ...] = ()
    """Of a dry run: what would be fetched, at most the first 10,000."""
    started_at: Timestamp
    reported_at: Timestamp = Field(default_factory=utc_now)

    @property
    def key(self) -> str:
        return self.author_id


class DocumentUpserted(Event):
    """A version of a document exists; inline, or by claim check when `document` is None."""

    TYPE = "twin.content.document.upserted.v1"
    TOPIC = DOCUMENT_CHANGES

    document_id: str
    category: Category
    version: int = Field(ge=1)
    document: RawDocument | None = None
    """None: read the warehouse's collection of `category` by `document_id`."""
    again: bool = False
    """The index is to decide anew about a version that it knows, since a near copy of it came or went."""
    captured_at: Timestamp = Field(default_factory=utc_now)

    @property
    def key(self) -> str:
        return self.document_id


class DocumentDeleted(Event):
    """A document is gone from the warehouse."""

    TYPE = "twin.content.document.deleted.v1"
    TOPIC = DOCUMENT_CHANGES

    document_id: str
    version: int | None = None
    """Delete only what is not newer than this; None deletes whatever is there."""
    captured_at: Timestamp = Field(default_factory=utc_now)

    @property
    def key(self) -> str:
        return self.document_id


class IndexOutcome(StrEnum):
    """What the index did with a change."""

    SEARCHABLE = "searchable"
    SKIPPED = "skipped"
    FAILED = "failed"
    DELETED = "deleted"


class DocumentIndexed(Event):
    """The index caught up with a version of a document, or says why it holds none of it."""

    TYPE = "twin.content.document.indexed.v1"
    TOPIC = DOCUMENTS_INDEXED

    document_id: str
    author_id: AuthorSlug | None = None
    """None for a deletion of a document the index never had."""
    version: int | None = None
    outcome: IndexOutcome
    reason: str | None = None
    chunk_count: int = 0
    stages: StageTimes = StageTimes()

    @property
    def key(self) -> str:
        return self.document_id


class Rating(StrEnum):
    """A thumb."""

    UP = "up"
    DOWN = "down"


class FeedbackGiven(Event):
    """What the owner thinks of an answer, or how they would have written it."""

    TYPE = "twin.feedback.given.v1"
    TOPIC = FEEDBACK

    feedback_id: str = Field(default_factory=lambda: str(uuid4()))
    author_id: AuthorSlug
    completion_id: str
    """The answer's id, as the API gave it."""
    model: str
    """Which model wrote the answer."""
    prompt: str
    """What was asked."""
    answer: str
    """What was answered."""
    rating: Rating | None = None
    edit: str | None = None
    """The owner's own wording: against `answer` it makes a preference pair."""
    comment: str | None = None
    given_at: Timestamp = Field(default_factory=utc_now)

    @property
    def key(self) -> str:
        return self.author_id


class DatasetReady(Event):
    """A version of an author's dataset exists; its event id is the dataset's, however often it is sent."""

    TYPE = "twin.dataset.ready.v1"
    TOPIC = DATASETS_READY

    dataset_id: str
    """The author and the beginning of `content_hash`."""
    author_id: AuthorSlug
    content_hash: str
    """sha256 over every row: equal hashes are equal datasets."""
    location: str
    """The dataset's folder in the registry, relative to it."""
    documents: int = Field(ge=0)
    train_samples: int = Field(ge=0)
    test_samples: int = Field(ge=0)
    preference_pairs: int = Field(ge=0)
    """Of training and test together; 0: there is nothing to do preference optimisation with."""
    warnings: tuple[str, ...] = ()
    """What a trainer should know, each a sentence."""
    created_at: Timestamp = Field(default_factory=utc_now)

    @property
    def key(self) -> str:
        return self.dataset_id


class ModelChanged(Event):
    """A trained model took a step of its life; its event id is `MODEL/SEQUENCE`, however often it is sent."""

    TYPE = "twin.model.changed.v1"
    TOPIC = MODELS_LIFECYCLE

    model_id: str
    author_id: AuthorSlug
    sequence: int = Field(ge=0)
    """Which step it is: 0 is the first."""
    stage: ModelStage
    who: str
    """A part of the platform, or a person by the id of their API key."""
    why: str
    dataset_id: str
    base_model: str
    location: str
    """Where the model is in the registry."""
    figures: dict[str, float] = Field(default_factory=dict)
    """The report's headline numbers, as far as they were known."""
    changed_at: Timestamp = Field(default_factory=utc_now)

    @property
    def key(self) -> str:
        return self.model_id

    @property
    def event_id(self) -> str:
        """The same for every sending of this step."""
        return f"{self.model_id}/{self.sequence}"

    @classmethod
    def steps(cls, record: ModelRecord) -> tuple["ModelChanged", ...]:
        """The steps of a model that Kafka has not confirmed yet, in order."""
        return tuple(
            cls(
                model_id=record.model_id,
                author_id=record.author_id,
                sequence=sequence,
                stage=step.stage,
                who=step.who,
                why=step.why,
                dataset_id=record.dataset_id,
                base_model=record.base_model,
                location=record.location,
                figures=record.figures,
                changed_at=step.at,
            )
            for sequence, step in enumerate(record.history)
            if sequence >= record.announced
        )


EVENTS: tuple[type[Event], ...] = (
    CrawlRequested,
    CrawlReported,
    DocumentUpserted,
    DocumentDeleted,
    DocumentIndexed,
    DatasetReady,
    ModelChanged,
    FeedbackGiven,
)
_BY_TYPE = {event.TYPE: event for event in EVENTS}

CONTENT_TYPE = b"application/json"
_SPECVERSION = b"1.0"


def schema_id(event: type[Event]) -> str:
    """The name of the schema that the event's value keeps to; its file is generated by `make schemas`."""
    return f"urn:twin:event:{event.TYPE}"


@dataclass(frozen=True)
class Envelope:
    """An event with the CloudEvents attributes it travelled under."""

    event: Event
    event_id: str
    source: str
    time: datetime | None
    traceparent: str | None


def encode(
    event: Event, source: str, *, event_id: str | None = None, traceparent: str | None = None
) -> Message:
    """Make the Kafka message of an event.

    Args:
        event: what happened.
        source: the service that says so, such as "cdc".
        event_id: unique for one source; equal ids mean the same event sent again.
        traceparent: W3C trace context to hand on.
    """
    headers = [
        ("ce_specversion", _SPECVERSION),
        ("ce_id", (event_id or str(uuid4())).encode()),
        ("ce_source", f"/twin/{source}".encode()),
        ("ce_type", event.TYPE.encode()),
        ("ce_dataschema", schema_id(type(event)).encode()),
        ("ce_subject", event.key.encode()),
        ("ce_time", utc_now().isoformat().encode()),
        ("content-type", CONTENT_TYPE),
    ]
    if traceparent:
        headers.append(("traceparent", traceparent.encode()))
    return Message(event.TOPIC.name, event.key.encode(), event.model_dump_json().encode(), headers)


def tombstone(event: DocumentDeleted) -> Message:
    """The empty message behind a deletion, which lets compaction forget the key."""
    return Message(event.TOPIC.name, event.key.encode(), None, [])


def decode(
    value: bytes, headers: Mapping[str, bytes] | Iterable[tuple[str, bytes]], *accepted: type[Event]
) -> Envelope:
    """Take a Kafka message apart.

    Args:
        value: the message's value; handle tombstones (None) before.
        headers: as the client gives them.
        accepted: the events this reader understands.

    Raises:
        UnsupportedSchema: another event type, major version or version of CloudEvents.
        PoisonMessage: no CloudEvent, no JSON, or not the event's shape.
    """
    given = dict(headers)
    try:
        specversion, event_type = given["ce_specversion"], given["ce_type"].decode()
        event_id, source = given["ce_id"].decode(), given["ce_source"].decode()
        time = datetime.fromisoformat(given["ce_time"].decode()) if "ce_time" in given else None
        trace = given.get("traceparent")
        traceparent = trace.decode() if trace else None
    except KeyError as error:
        raise PoisonMessage("no_cloudevent", f"the header {error} is missing") from error
    except (AttributeError, ValueError) as error:  # Kafka allows a header without a value
        raise PoisonMessage("no_cloudevent", f"a header is unreadable: {error}") from error
    if specversion != _SPECVERSION:
        raise UnsupportedSchema(f"CloudEvents {specversion!r} is not {_SPECVERSION.decode()}")
    model = _BY_TYPE.get(event_type)
    if model is None or model not in accepted:
        known = ", ".join(event.TYPE for event in accepted)
        raise UnsupportedSchema(f"{event_type} is not among {known}")
    try:
        event = model.model_validate_json(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "value"
        raise PoisonMessage("malformed_event", f"{event_type}: {place}: {first['msg']}") from error
    return Envelope(event, event_id, source, time, traceparent)
