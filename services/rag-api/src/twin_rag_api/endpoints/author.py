"""The caller: whose twin it is, and the end of it."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from twin_common.documents import Author
from twin_rag_api.dependencies import Scope, ServiceResources
from twin_rag_api.errors import InvalidRequest

router = APIRouter(prefix="/v1", tags=["author"])

_WAIT_SECONDS = 30.0


class Erased(BaseModel):
    """What was deleted of the author."""

    model_config = ConfigDict(use_attribute_docstrings=True)
    rows: dict[str, int]
    """Rows of the warehouse, by collection."""
    documents: int
    """Documents that the index and the event bus were told to forget."""
    points_left: int
    """What the index still holds: 0 proves that it is gone; else it goes as the stream catches up."""
    kept_by_topics: list[str]
    """Where the event bus keeps messages about the author until they are old enough."""


@router.get("/author")
async def get_author(scope: Scope, resources: ServiceResources) -> Author:
    """The author this key belongs to, with the registered links."""
    return await resources.warehouse.authors.get(scope.author_id)


@router.delete("/author")
async def delete_author(
    scope: Scope,
    resources: ServiceResources,
    confirm: Annotated[str, Query(description="The author's id, so that this is no slip.", max_length=100)],
) -> Erased:
    """Erase the author: every document, the crawls, the registration and all API keys, this one too."""
    if confirm != scope.author_id:
        raise InvalidRequest("confirm", f"to erase everything, send confirm={scope.author_id}")
    report = await resources.erasure.erase_author(scope.author_id, _WAIT_SECONDS)
    return Erased(
        rows=report.rows,
        documents=report.documents,
        points_left=report.points_left,
        kept_by_topics=report.kept_by_topics,
    )
