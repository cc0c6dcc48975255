"""What changed in the warehouse's documents."""

from pydantic import Field

from twin_common.clock import utc_now
from twin_common.documents import Category, RawDocument, Timestamp
from twin_common.events.event import Event
from twin_common.topics import DOCUMENT_CHANGES


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
