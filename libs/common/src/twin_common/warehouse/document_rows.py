"""A document as a row of the warehouse: its collection, its fields, and what can be read without its text."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from twin_common.documents import Category, DocumentDraft, RawDocument

COLLECTIONS: Mapping[Category, str] = {
    Category.ARTICLE: "articles",
    Category.POST: "posts",
    Category.CODE: "code",
}
CATEGORIES: Mapping[str, Category] = {name: category for category, name in COLLECTIONS.items()}

# Projections, since a document's text may be long: which version it is, and with that what describes it.
IDENTITY = {"version": 1, "content_hash": 1, "author_id": 1, "stored_at": 1}
FACTS = IDENTITY | dict.fromkeys(("platform", "url", "title", "language", "published_at"), 1)


@dataclass(frozen=True)
class DocumentVersion:
    """Which version of a document the warehouse holds."""

    document_id: str
    author_id: str
    category: Category
    version: int
    content_hash: str
    platform: str = ""
    url: str = ""
    title: str = ""
    language: str | None = None
    published_at: datetime | None = None


def from_row(row: Mapping[str, Any]) -> RawDocument:
    """The document that a row of the warehouse holds."""
    return RawDocument.model_validate(dict(row))


def version_of(row: Mapping[str, Any], category: Category) -> DocumentVersion:
    """The version that a row of `FACTS` speaks of."""
    return DocumentVersion(
        row["_id"],
        row["author_id"],
        category,
        row["version"],
        row["content_hash"],
        row.get("platform", ""),
        row.get("url", ""),
        row.get("title", ""),
        row.get("language"),
        row.get("published_at"),
    )


def to_row(
    draft: DocumentDraft, content_hash: str, version: int, now: datetime, traceparent: str | None
) -> dict[str, Any]:
    """The row that makes this draft the document's `version`, written `now`."""
    return draft.model_dump(mode="python") | {
        "_id": draft.document_id,
        "category": draft.category.value,
        "authorship": draft.authorship.value,
        "content_hash": content_hash,
        "version": version,
        "stored_at": now,
        "traceparent": traceparent,
    }
