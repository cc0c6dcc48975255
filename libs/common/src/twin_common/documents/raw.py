"""A document as it was found, and as the warehouse holds it."""

from enum import StrEnum
from hashlib import sha256
from typing import Any

import orjson
from pydantic import Field

from twin_common.documents.record import AuthorSlug, Record, Timestamp
from twin_common.documents.text import normalise_text
from twin_common.identity import AuthorId, canonical_url, document_id


class Category(StrEnum):
    """What kind of text it is; the platform it came from is only metadata."""

    ARTICLE = "article"
    POST = "post"
    CODE = "code"


class Authorship(StrEnum):
    """Whose words a document holds; only the owner's are learnt from, all are searched."""

    OWNER = "owner"
    OTHER = "other"
    UNCLEAR = "unclear"
    """Written with others, or by nobody whom the page names in a place where several write."""


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
    authorship: Authorship = Authorship.OWNER
    partial: bool = False
    """Whether the text is only a preview, because the rest stands behind a paywall."""
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
        # Only where they say something: the hashes of documents from before they existed stay as they are.
        if self.authorship is not Authorship.OWNER:
            content["authorship"] = self.authorship.value
        if self.partial:
            content["partial"] = True
        return sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


class RawDocument(DocumentDraft):
    """A document as the warehouse holds it."""

    content_hash: str
    version: int = Field(ge=1)
    stored_at: Timestamp
    """When this version was written; the first of the stage times."""
    traceparent: str | None = None
    """W3C trace context of the crawl or import that wrote this version."""
