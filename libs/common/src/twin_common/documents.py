"""The documents of the platform, from the warehouse's row to the chunk that is searched."""

import unicodedata
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Any

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from twin_common.identity import (
    AUTHOR_ID_MAX_LENGTH,
    AUTHOR_ID_PATTERN,
    AuthorId,
    canonical_url,
    document_id,
    parse_author_id,
)


class Category(StrEnum):
    """What kind of text it is; the platform it came from is only metadata."""

    ARTICLE = "article"
    POST = "post"
    CODE = "code"


def _aware(value: datetime) -> datetime:
    """BSON drops the zone and keeps milliseconds: what has no zone is UTC, what has one becomes UTC."""
    try:
        value = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("in UTC it lies outside the years 1 to 9999") from error
    return value.replace(microsecond=value.microsecond // 1000 * 1000)


def _parse_time(value: Any) -> Any:
    """All of ISO 8601, also 20240501, which pydantic would take for seconds since 1970."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


Timestamp = Annotated[datetime, BeforeValidator(_parse_time), AfterValidator(_aware)]
AuthorSlug = Annotated[
    AuthorId,
    BeforeValidator(lambda value: parse_author_id(str(value))),
    WithJsonSchema({"type": "string", "pattern": AUTHOR_ID_PATTERN, "maxLength": AUTHOR_ID_MAX_LENGTH}),
]


class Record(BaseModel):
    """An immutable record; unknown fields are ignored, so that a newer writer can add some."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)


class Author(Record):
    """Whose twin it is, and where they publish."""

    author_id: AuthorSlug
    name: str = Field(min_length=1, max_length=200)
    links: tuple[str, ...] = ()


_CONTENT_FIELDS = {"category", "platform", "title", "text", "language", "author_name", "published_at"}


class DocumentDraft(Record):
    """A document as a source found it, before the warehouse gave it a version."""

    author_id: AuthorSlug
    url: str
    """Where a reader finds it; may differ from the canonical address in scheme or host."""
    canonical_url: str
    category: Category
    platform: str = "web"
    title: str = ""
    text: str
    """Markdown: headings with #, code in fences, paragraphs apart by blank lines."""
    language: str | None = None
    author_name: str | None = None
    published_at: Timestamp | None = None
    metadata: dict[str, str] = Field(default_factory=dict)
    """What only one kind has: repository, path and commit of code, the category of a feed, and so on."""

    @classmethod
    def at(cls, author_id: AuthorId, url: str, **fields: Any) -> "DocumentDraft":
        """A draft whose canonical address is that of `url`.

        Raises:
            InvalidUrl: `url` is no absolute http or https address.
        """
        return cls(author_id=author_id, url=url, canonical_url=canonical_url(url), **fields)

    @property
    def document_id(self) -> str:
        return document_id(self.author_id, self.canonical_url)

    def hash_content(self) -> str:
        """sha256 over what is said and what describes it; equal hashes mean nothing changed.

        The address and the metadata stay out: a feed's tracking parameter or a repository's newer commit
        is no edit.
        """
        content = self.model_dump(mode="json", include=_CONTENT_FIELDS)
        content["text"] = normalise_text(self.text)
        content["title"] = normalise_text(self.title)
        return sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


class RawDocument(DocumentDraft):
    """A document as the warehouse holds it."""

    content_hash: str
    version: int = Field(ge=1)
    stored_at: Timestamp
    """When this version was written; the first of the stage times."""
    traceparent: str | None = None
    """W3C trace context of the crawl or import that wrote this version."""


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


def normalise_text(text: str) -> str:
    """Unicode NFC, one kind of line end, no white space at line ends or around the whole."""
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    return "\n".join(line.rstrip() for line in text.split("\n")).strip()


def text_hash(text: str) -> str:
    """sha256 of a chunk's text: equal hashes may share a vector."""
    return sha256(text.encode()).hexdigest()
