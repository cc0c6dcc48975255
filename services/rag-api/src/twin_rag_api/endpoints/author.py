"""The caller: whose twin it is, and what is collected for it."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from twin_common.authors import Author, AuthorConfiguration
from twin_rag_api.dependencies import Scope, ServiceResources

router = APIRouter(prefix="/v1", tags=["author"])


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
