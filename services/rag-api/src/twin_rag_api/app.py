"""The web application: routes, errors and the life of its resources."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version

import structlog
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from twin_rag_api import errors, openapi
from twin_rag_api.endpoints import (
    author,
    chat,
    crawls,
    datasets,
    documents,
    drafts,
    feedback,
    health,
    models,
    pages,
    presets,
    search,
    traces,
    twins,
)
from twin_rag_api.metrics import watch_event_loop
from twin_rag_api.middleware import REQUEST_ID, BodyLimit, RequestObserver
from twin_rag_api.resources import Resources

log = structlog.get_logger(__name__)

_RESOURCES = (
    chat,
    models,
    twins,
    search,
    documents,
    crawls,
    presets,
    drafts,
    datasets,
    traces,
    feedback,
    author,
)

_DESCRIPTION = """
Searches an author's texts and answers from them, with citations. Every request below `/v1` needs an API key:
`Authorization: Bearer twin_…`. The key decides whose texts are read.

`POST /v1/chat/completions` has OpenAI's shape: point any OpenAI client at this server with the key as its API
key. Its extensions: `citations` and `notices` in answers, and in requests `writing`,
for texts in the author's voice.

Errors are problem details (RFC 9457). Each also has an `error` member, which OpenAI's clients read.
"""


def create_app(resources: Resources) -> FastAPI:
    """The application over these resources, which it prepares at start and closes at the end."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        preparing = asyncio.create_task(resources.prepare(), name="prepare")
        preparing.add_done_callback(_report_failure)
        watching = asyncio.create_task(watch_event_loop(), name="watch-event-loop")
        yield
        for task in (preparing, watching):
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task
        await resources.close()

    app = FastAPI(
        title="LLM Twin",
        version=version("twin-rag-api"),
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.resources = resources
    app.add_middleware(BodyLimit, max_bytes=resources.settings.max_body_bytes)
    if resources.settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=resources.settings.cors_origins,
            allow_methods=["*"],
            allow_headers=["Authorization", "Content-Type"],
            expose_headers=["Retry-After", REQUEST_ID],
        )
    app.add_middleware(RequestObserver)
    errors.install(app)
    openapi.install(app)
    for resource in _RESOURCES:
        app.include_router(resource.router, responses=errors.PROBLEM_RESPONSES)
    app.include_router(health.router)
    app.include_router(pages.router)
    return app


def _report_failure(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("start-up failed: this service will not become ready", exc_info=error)
