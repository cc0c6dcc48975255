"""What the index made of a change."""

from enum import StrEnum

from twin_common.documents import AuthorSlug, StageTimes
from twin_common.events.event import Event
from twin_common.topics import DOCUMENTS_INDEXED


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
