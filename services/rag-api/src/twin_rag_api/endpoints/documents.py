"""The caller's documents, and where each stands."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from twin_common.documents import Category, DocumentState, StageTimes
from twin_rag_api.dependencies import Scope, ServiceResources
from twin_rag_api.documents import DocumentStatus

router = APIRouter(prefix="/v1", tags=["documents"])


class DocumentEntry(BaseModel):
    """A document of the warehouse and how the index stands to it."""

    model_config = ConfigDict(use_attribute_docstrings=True)
    document_id: str
    url: str
    title: str
    category: Category
    platform: str
    language: str | None
    published_at: datetime | None
    version: int
    state: DocumentState
    """pending: the index has not seen this version yet."""
    reason: str | None
    """Why it was skipped or failed."""
    chunk_count: int
    """How many passages of it can be found; of an older version while the newest is pending."""
    indexed_version: int | None
    stages: StageTimes
    """When the version in the index passed each station; `stored_at` is that of the newest version."""


class DocumentList(BaseModel):
    """A page of documents, newest first."""

    total: int
    offset: int
    limit: int
    documents: list[DocumentEntry]


@router.get("/documents")
async def list_documents(
    scope: Scope,
    resources: ServiceResources,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> DocumentList:
    """The author's documents with their state and freshness."""
    page = await resources.documents.page(scope, offset, limit)
    entries = [_entry(status) for status in page.documents]
    return DocumentList(total=page.total, offset=offset, limit=limit, documents=entries)


def _entry(status: DocumentStatus) -> DocumentEntry:
    row, head = status.row, status.head
    stages = head.stages if head else StageTimes()
    return DocumentEntry(
        document_id=row["_id"],
        url=row["url"],
        title=row["title"],
        category=Category(row["category"]),
        platform=row["platform"],
        language=row.get("language"),
        published_at=row.get("published_at"),
        version=row["version"],
        state=status.state,
        reason=head.reason if head and status.state.value == head.status.value else None,
        chunk_count=head.chunk_count if head else 0,
        indexed_version=head.version if head else None,
        stages=stages.model_copy(update={"stored_at": row["stored_at"]}),
    )
