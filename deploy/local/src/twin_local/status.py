"""Where every document stands, and which services are ready."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from twin_common.documents import (
    DocumentState,
    HeadSummary,
    StagePassed,
    StageTimes,
    document_state,
    passed,
)
from twin_common.events import CrawlReported
from twin_common.identity import AuthorId, canonical_url, document_id
from twin_common.vector_index import DOCUMENTS, connect, head_summaries
from twin_common.warehouse import DocumentVersion, LinkState, Warehouse
from twin_local.connection import Connection
from twin_local.errors import PlatformError
from twin_local.platform import port_variable, services
from twin_local.ports import LOOPBACK
from twin_local.processes import http_probe


@dataclass(frozen=True)
class NotableDocument:
    """A document that cannot be found by searching, and why."""

    document_id: str
    url: str
    state: DocumentState
    reason: str | None


@dataclass(frozen=True)
class AuthorCrawls:
    """The newest crawl of an author, when the next begins by itself, and the links left alone for now."""

    author_id: str
    newest: CrawlReported | None
    next_at: datetime | None
    paused: list[LinkState]


@dataclass(frozen=True)
class PlatformStatus:
    """Counts by state (and `total`), services with what they lack, documents to look at, and crawls."""

    counts: dict[str, int]
    services: dict[str, str]
    notable: list[NotableDocument]
    crawls: list[AuthorCrawls]


@dataclass(frozen=True)
class DocumentReport:
    """One document: where it stands, and the way of its version in the index."""

    stored: DocumentVersion
    state: DocumentState
    head: HeadSummary | None
    way: list[StagePassed]


async def document_report(connection: Connection, given: str) -> list[DocumentReport]:
    """What is known of the document with this id or address; several, when several authors have it.

    Raises:
        PlatformError: the warehouse has none.
    """
    client = connect(connection.vector_index)
    try:
        async with Warehouse(connection.warehouse) as warehouse:
            ids = await _document_ids(warehouse, given)
            stored = await warehouse.documents.versions_of(ids)
            if not stored:
                raise PlatformError(f"the warehouse has no document {given}")
            points = await client.retrieve(
                DOCUMENTS, list(stored), with_payload=list(HeadSummary.model_fields)
            )
            heads = {str(point.id): HeadSummary.model_validate(point.payload) for point in points}
            reports = []
            for key, version in stored.items():
                head = heads.get(key)
                state = document_state(version.version, head)
                stages = head.stages if head and state is not DocumentState.PENDING else StageTimes()
                if not stages.stored_at and (document := await warehouse.documents.get(key)):
                    stages = stages.model_copy(update={"stored_at": document.stored_at})
                reports.append(DocumentReport(version, state, head, passed(stages)))
            return reports
    finally:
        await client.close()


async def _document_ids(warehouse: Warehouse, given: str) -> list[str]:
    try:
        return [str(UUID(given))]
    except ValueError:
        canonical = canonical_url(given)
        return [document_id(author.author_id, canonical) for author in await warehouse.authors.all()]


async def platform_status(connection: Connection) -> PlatformStatus:
    """Ask the warehouse, the index and the services."""
    client = connect(connection.vector_index)
    async with Warehouse(connection.warehouse) as warehouse:
        heads = {head.document_id: head async for head in head_summaries(client)}
        counts: Counter[DocumentState] = Counter()
        notable: list[NotableDocument] = []
        async for stored in warehouse.documents.versions():
            head = heads.get(stored.document_id)
            state = document_state(stored.version, head)
            counts[state] += 1
            if state in (DocumentState.SKIPPED, DocumentState.FAILED) and head is not None:
                notable.append(_notable(head, state))
        crawls = [await _crawls_of(warehouse, author.author_id) for author in await warehouse.authors.all()]
    await client.close()
    by_state = {state.value: counts[state] for state in DocumentState}
    totals = {"total": counts.total(), **by_state}
    return PlatformStatus(totals, await _services(connection), notable, crawls)


async def _crawls_of(warehouse: Warehouse, author_id: AuthorId) -> AuthorCrawls:
    schedule = await warehouse.crawls.schedule(author_id)
    return AuthorCrawls(
        author_id,
        await warehouse.crawls.newest_run(author_id),
        schedule.next_at if schedule else None,
        await warehouse.crawls.paused_links(author_id),
    )


def _notable(head: HeadSummary, state: DocumentState) -> NotableDocument:
    return NotableDocument(head.document_id, head.url, state, head.reason)


async def _services(connection: Connection) -> dict[str, str]:
    ports = {
        name: connection.environment[port_variable(name)]
        for name in services()
        if port_variable(name) in connection.environment
    }
    problems = await asyncio.gather(
        *(http_probe(f"http://{LOOPBACK}:{port}/readyz")() for port in ports.values())
    )
    return {name: problem or "ready" for name, problem in zip(ports, problems, strict=True)}
