"""What travels between the stages of the flow."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from twin_common.dead_letter import SourceRecord, dead_letter
from twin_common.documents import Chunk, DocumentHead, HeadStatus
from twin_common.errors import PoisonMessage
from twin_common.events import DocumentDeleted, DocumentUpserted, Message

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from twin_common.embedding import SparseVector

SERVICE = "feature-stream"


@dataclass(frozen=True)
class Received:
    """A Kafka record and when it was read."""

    record: SourceRecord
    received_at: datetime

    def dead_letter(self, error: PoisonMessage) -> Message:
        """The message that keeps this record for a person to look at."""
        return dead_letter(self.record, error, SERVICE)


@dataclass(frozen=True)
class Change:
    """A decoded event about one document."""

    received: Received
    event: DocumentUpserted | DocumentDeleted
    traceparent: str | None

    @property
    def again(self) -> bool:
        """Whether it asks for a new decision about a version that is known."""
        return isinstance(self.event, DocumentUpserted) and self.event.again


@dataclass(frozen=True)
class Removal:
    """Take a document out of the index."""

    change: Change
    document_id: str
    version: int | None
    """Chunks of a newer version stay; None takes all."""
    author_id: str | None
    """None when the index had no head of it."""
    announced: bool
    """False when the same micro-batch indexes the document anew."""


@dataclass(frozen=True)
class Replacement:
    """Make this head and these chunks all that the index holds of a document."""

    change: Change
    head: DocumentHead
    chunks: tuple[Chunk, ...] = ()
    error: PoisonMessage | None = None
    """Why the document failed; its record becomes a dead letter."""


class ChunkVectors(NamedTuple):
    """What the encoder makes of a chunk."""

    dense: "NDArray[np.float32]"
    """Of length 1, shape (dimensions,)."""
    words: str
    """The vectors of its words, packed."""


@dataclass(frozen=True)
class Embedded:
    """A replacement with the vectors of its chunks, in their order."""

    replacement: Replacement
    vectors: list[ChunkVectors] = field(default_factory=list)
    sparse: "list[SparseVector]" = field(default_factory=list)

    @classmethod
    def failed(cls, replacement: Replacement, reason: str, error: Exception) -> "Embedded":
        """What the index holds of a document that could not be embedded or written: the reason."""
        head = replacement.head
        problem = PoisonMessage(reason, f"document {head.document_id} ({head.url[:200]}): {error!r}")
        failed = head.model_copy(
            update={
                "status": HeadStatus.FAILED,
                "reason": str(problem)[:1000],
                "chunk_count": 0,
                "chunks_hash": None,
            }
        )
        return cls(Replacement(replacement.change, failed, error=problem))


@dataclass(frozen=True)
class Repetition:
    """The index already stands to the document as the event wants it."""

    document_id: str
    announcement: Message


Work = Removal | Replacement | Repetition | Message
"""A message only needs to be published."""
