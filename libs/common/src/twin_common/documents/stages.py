"""The stations of a document on its way to being searchable, and when each was passed."""

from datetime import datetime
from enum import StrEnum

from twin_common.documents.record import Record, Timestamp


class Stage(StrEnum):
    """The stations of a document, in order; `StageTimes` says when each was passed."""

    STORED = "stored_at"
    CAPTURED = "captured_at"
    RECEIVED = "received_at"
    CLEANED = "cleaned_at"
    CHUNKED = "chunked_at"
    EMBEDDED = "embedded_at"
    SEARCHABLE = "searchable_at"


class StageTimes(Record):
    """When a version of a document passed each station on its way to being searchable."""

    stored_at: Timestamp | None = None
    captured_at: Timestamp | None = None
    received_at: Timestamp | None = None
    cleaned_at: Timestamp | None = None
    chunked_at: Timestamp | None = None
    embedded_at: Timestamp | None = None
    searchable_at: Timestamp | None = None


class StagePassed(Record):
    """A station that a document passed, when, and how long after the one before."""

    stage: str
    """crawled, changed (the warehouse told of it), published (the stream read it), cleaned, chunked, embedded
    or searchable."""
    at: Timestamp
    seconds: float
    """Since the station before it; 0 for the first."""


_STAGE_WORDS = {
    Stage.STORED: "crawled",
    Stage.CAPTURED: "changed",
    Stage.RECEIVED: "published",
    Stage.CLEANED: "cleaned",
    Stage.CHUNKED: "chunked",
    Stage.EMBEDDED: "embedded",
    Stage.SEARCHABLE: "searchable",
}


def passed(stages: StageTimes) -> list[StagePassed]:
    """The stations that were passed, in order, with the time that each took."""
    found: list[StagePassed] = []
    for stage, word in _STAGE_WORDS.items():
        at: datetime | None = getattr(stages, stage)
        if at is not None:
            seconds = (at - found[-1].at).total_seconds() if found else 0.0
            found.append(StagePassed(stage=word, at=at, seconds=seconds))
    return found
