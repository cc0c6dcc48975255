"""A document as the index knows it: cleaned, searchable or not, and in chunks."""

from enum import StrEnum

from pydantic import Field

from twin_common.documents.raw import Authorship, Category
from twin_common.documents.record import AuthorSlug, Record, Timestamp
from twin_common.documents.stages import StageTimes


class CleanedDocument(Record):
    """A document after cleaning: what is chunked, and what training reads."""

    document_id: str
    author_id: AuthorSlug
    version: int
    content_hash: str
    category: Category
    platform: str
    url: str
    title: str
    language: str | None
    published_at: Timestamp | None
    text: str
    authorship: Authorship = Authorship.OWNER
    partial: bool = False
    metadata: dict[str, str] = Field(default_factory=dict)


class HeadStatus(StrEnum):
    """How the index stands to the newest version it has seen of a document."""

    SEARCHABLE = "searchable"
    SKIPPED = "skipped"
    FAILED = "failed"


class HeadSummary(Record):
    """How the index stands to a document, without the text."""

    document_id: str
    author_id: AuthorSlug
    version: int
    content_hash: str
    category: Category
    url: str
    title: str
    status: HeadStatus
    reason: str | None = None
    """Why it was skipped or failed, in a sentence."""
    chunk_count: int = 0
    chunks_hash: str | None = None
    """`hash_of_chunks` of the chunks that belong to this head; None where there are none."""
    duplicate_of: str | None = None
    """The nearly equal document of the same author that is searched in place of this one."""
    copies: tuple[str, ...] = ()
    """The documents that are duplicates of this one."""
    addresses: tuple[str, ...] = ()
    """Of a searchable text, where it is found: its own address, then those of its copies."""
    stages: StageTimes = Field(default_factory=StageTimes)


class DocumentHead(HeadSummary, CleanedDocument):
    """The payload of a point in `documents`: the newest version of a document that the index knows."""

    text_length: int = 0
    """Of the cleaned text, in characters; known of a duplicate too, whose text is not kept twice."""
    signature: str = ""
    """The MinHash of the text, in base64; empty where it is too short to be compared."""
    bands: tuple[str, ...] = ()
    """Hashes of parts of the signature: two texts that share one may be near copies."""


class DocumentState(StrEnum):
    """Where a document of the warehouse stands, as a person is told."""

    PENDING = "pending"
    SEARCHABLE = "searchable"
    SKIPPED = "skipped"
    FAILED = "failed"


def document_state(version: int, head: HeadSummary | None) -> DocumentState:
    """The state of a document whose stored version is `version` and whose head in the index is `head`."""
    if head is None or head.version < version:
        return DocumentState.PENDING
    return DocumentState(head.status.value)


class Chunk(Record):
    """The payload of a point in `chunks`: a passage that fits the encoder's window."""

    document_id: str
    author_id: AuthorSlug
    version: int
    chunk_index: int
    category: Category
    platform: str
    url: str
    title: str
    language: str | None
    published_at: Timestamp | None
    heading_path: tuple[str, ...] = ()
    start: int = Field(ge=0)
    """Where `text` begins in the cleaned text, in characters; chunks overlap."""
    text: str
    text_hash: str
    token_count: int
    """Length of `text` in the encoder's own tokens, with its special tokens."""
