"""Search without an answer."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from twin_common.documents import Category
from twin_rag_api.dependencies import Scope, ServiceResources
from twin_rag_api.generation.wording import notices_of_search
from twin_rag_api.metrics import noting_steps, server_timing
from twin_rag_api.retrieval.passages import Passage, SearchFilters

router = APIRouter(prefix="/v1", tags=["search"])

MAX_QUESTION_CHARACTERS = 32_000


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("it is empty: write a question")
    return text


Question = Annotated[str, Field(max_length=MAX_QUESTION_CHARACTERS), AfterValidator(_not_blank)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class Filters(BaseModel):
    """Which passages are searched; what is left out filters nothing."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)
    category: Category | None = None
    platform: Name | None = None
    language: Name | None = None
    """An ISO 639-1 code, such as en."""
    published_after: AwareDatetime | None = None
    """At this moment or later."""
    published_before: AwareDatetime | None = None
    """Strictly earlier than this moment."""
    document_id: Name | None = None


class SearchRequest(BaseModel):
    """A question, how many passages at most, and which."""

    model_config = ConfigDict(extra="forbid")
    query: Question
    limit: int = Field(default=10, ge=1, le=50)
    filters: Filters = Filters()


class SearchResult(BaseModel):
    """A passage."""

    model_config = ConfigDict(use_attribute_docstrings=True)
    rank: int
    document_id: str
    chunk_index: int
    url: str
    title: str
    heading_path: list[str]
    text: str
    score: float
    """Cosine of question and passage, plus up to 0.24 for shared rare words."""
    published_at: datetime | None
    category: Category
    platform: str


class SearchNotice(BaseModel):
    """Something to know about how the results came to be; `code` is a word for programs."""

    code: str
    detail: str


class SearchResponse(BaseModel):
    """Passages, best first."""

    model_config = ConfigDict(use_attribute_docstrings=True)
    results: list[SearchResult]
    filters: Filters
    """Those in force: the request's, and what the question itself asks for."""
    notices: list[SearchNotice]


@router.post("/search")
async def search(
    scope: Scope, resources: ServiceResources, request: SearchRequest, response: Response
) -> SearchResponse:
    """The author's passages that fit the question best; `Server-Timing` says what each step took."""
    filters = SearchFilters(**dict(request.filters))
    with noting_steps() as steps:
        reading = await resources.retrieval.read(request.query)
        found = await resources.retrieval.find(scope, reading, request.limit, filters)
    response.headers["Server-Timing"] = server_timing(steps)
    return SearchResponse(
        results=[_result(rank, passage) for rank, passage in enumerate(found.passages, start=1)],
        filters=Filters.model_validate(vars(found.filters)),
        notices=[SearchNotice(code=notice.code, detail=notice.detail) for notice in notices_of_search(found)],
    )


def _result(rank: int, passage: Passage) -> SearchResult:
    chunk = passage.chunk
    return SearchResult(
        rank=rank,
        document_id=chunk.document_id,
        chunk_index=chunk.chunk_index,
        url=chunk.url,
        title=chunk.title,
        heading_path=list(chunk.heading_path),
        text=passage.text,
        score=passage.score,
        published_at=chunk.published_at,
        category=chunk.category,
        platform=chunk.platform,
    )
