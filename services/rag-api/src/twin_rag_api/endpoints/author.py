"""The caller: whose twin it is, what is collected for it, and the end of it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from twin_common.authors import Author, AuthorConfiguration
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


class PausedLink(BaseModel):
    """A link that is left alone for a while, because it failed again and again or its server asked for it."""

    model_config = ConfigDict(use_attribute_docstrings=True)
    url: str
    until: datetime
    reason: str
    detail: str


class AuthorDescription(Author):
    """An author's configuration, and where their crawls stand."""

    next_crawl_at: datetime | None = None
    """When the schedule starts the next crawl; None without a schedule."""
    last_scheduled_run_id: str | None = None
    paused_links: tuple[PausedLink, ...] = ()


@router.get("/author")
async def get_author(scope: Scope, resources: ServiceResources) -> AuthorDescription:
    """The author this key belongs to: configuration, next scheduled crawl, paused links."""
    author = await resources.warehouse.authors.get(scope.author_id)
    schedule = await resources.warehouse.crawls.schedule(scope.author_id)
    paused = await resources.warehouse.crawls.paused_links(scope.author_id)
    return AuthorDescription(
        **author.model_dump(),
        next_crawl_at=schedule.next_at if schedule and author.schedule == schedule.schedule else None,
        last_scheduled_run_id=schedule.last_run_id if schedule else None,
        paused_links=tuple(
            PausedLink(
                url=link.url, until=link.paused_until, reason=link.reason or "", detail=link.detail or ""
            )
            for link in paused
            if link.paused_until is not None
        ),
    )


@router.put("/author")
async def put_author(
    scope: Scope, resources: ServiceResources, configuration: AuthorConfiguration
) -> AuthorDescription:
    """Replace the author's configuration whole; the same fields as in a YAML file for `twin author add`."""
    await resources.warehouse.authors.put(Author.configured(scope.author_id, configuration))
    return await get_author(scope, resources)


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
