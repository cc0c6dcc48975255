"""The caller's documents, and where each stands."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from twin_common.documents import Category, DocumentState, StagePassed, StageTimes, passed
from twin_rag_api.dependencies import Scope, ServiceResources
from twin_rag_api.documents import DocumentStatus
from twin_rag_api.paging import Place

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

    model_config = ConfigDict(use_attribute_docstrings=True)
    total: int | None
    """How many there are; not counted for a page behind `after`."""
    offset: int
    limit: int
    next: str | None
    """Send it as `after` for the page behind this one; null: this is the last one."""
    documents: list[DocumentEntry]


class DocumentDetail(DocumentEntry):
    """One document, with the way it went."""

    way: list[StagePassed]
    """The stations that the version in the index passed, and the seconds that each took."""


class PassageSpan(BaseModel):
    """From which to which character of a text, the last one not included."""

    start: int
    end: int


class DocumentContent(BaseModel):
    """A document to read."""

    model_config = ConfigDict(use_attribute_docstrings=True)
    document_id: str
    title: str
    url: str
    version: int
    text: str
    """Markdown, cleaned."""
    passage: PassageSpan | None
    """Where the wanted passage stands; null where the document has changed since."""


@router.get("/documents")
async def list_documents(
    scope: Scope,
    resources: ServiceResources,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str | None, Query(max_length=100, description="`next` of the page before.")] = None,
) -> DocumentList:
    """The author's documents with their state and freshness."""
    total: int | None = None
    if after is not None:
        documents = await resources.documents.page_behind(scope, Place.parse(after), limit)
    else:
        page = await resources.documents.page(scope, offset, limit)
        documents, total = page.documents, page.total
    last = documents[-1].row if len(documents) == limit else None
    following = str(Place(last["stored_at"], last["_id"])) if last else None
    return DocumentList(
        total=total,
        offset=offset,
        limit=limit,
        next=following,
        documents=[_entry(status) for status in documents],
    )


@router.get("/documents/{document_id}")
async def get_document(scope: Scope, resources: ServiceResources, document_id: UUID) -> DocumentDetail:
    """One document: where it stands, and how long each step took."""
    entry = _entry(await resources.documents.one(scope, str(document_id)))
    # Of a version that the index has not seen only this is known.
    pending = entry.state is DocumentState.PENDING
    stages = StageTimes(stored_at=entry.stages.stored_at) if pending else entry.stages
    return DocumentDetail(**dict(entry), way=passed(stages))


@router.get("/documents/{document_id}/text")
async def get_document_text(
    scope: Scope,
    resources: ServiceResources,
    document_id: UUID,
    chunk_index: Annotated[
        int | None, Query(ge=0, le=1_000_000, description="Which passage is to be located.")
    ] = None,
) -> DocumentContent:
    """What a document says, as it is searched, and where a citation's passage stands in it."""
    found = await resources.documents.text(scope, str(document_id), chunk_index)
    start, end = found.passage or (None, None)
    return DocumentContent(
        document_id=str(document_id),
        title=found.title,
        url=found.url,
        version=found.version,
        text=found.text,
        passage=PassageSpan(start=start, end=end) if start is not None and end is not None else None,
    )


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
