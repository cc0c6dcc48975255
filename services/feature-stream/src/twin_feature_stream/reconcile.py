"""Compares the index with the warehouse and asks for what differs, through the same events as everyone.

There is no second way to write the index: mending publishes the events that the change feed would. Both
sides are read page by page; kept of each document is its id of 16 bytes and a number.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from qdrant_client import models

from twin_common.vector_index import LIVE, Collections
from twin_common.warehouse import DocumentVersion, Warehouse
from twin_feature_stream import metrics
from twin_feature_stream.difference import (
    CHUNK_FIELDS,
    HEAD_FIELDS,
    Difference,
    Foreign,
    Payload,
    Stale,
    find_reasons,
)
from twin_feature_stream.message_sink import ConfirmedPublisher

if TYPE_CHECKING:
    from qdrant_client import AsyncQdrantClient

T = TypeVar("T")

_MESSAGES_A_BATCH = 1000
_DOCUMENTS_A_PAGE = 1000
_POINTS_A_PAGE = 5000


async def compare(
    warehouse: Warehouse, client: "AsyncQdrantClient", collections: Collections = LIVE
) -> Difference:
    """How the index differs from the warehouse; what is still on its way counts as different."""
    return Difference.together([part async for part in differences(warehouse, client, collections)])


async def differences(
    warehouse: Warehouse, client: "AsyncQdrantClient", collections: Collections = LIVE
) -> AsyncIterator[Difference]:
    """The same, page by page; pages without a difference are left out.

    What may have to be deleted is listed in the index first and looked for in the warehouse then: a document
    that is stored in between is missing, never foreign.
    """
    index = _IndexPages(client, collections)
    unmatched = await _list_newest(index)
    async for page in _pages(warehouse.documents.versions(), _DOCUMENTS_A_PAGE):
        for entry in page:
            unmatched.pop(_compact(entry.document_id), None)
        if part := await _check(warehouse, index, {entry.document_id: entry for entry in page}):
            yield part
    versions = {_expand(key): version for key, version in unmatched.items()}
    stored = await warehouse.documents.versions_of(versions)
    if foreign := tuple(Foreign(key, version) for key, version in versions.items() if key not in stored):
        yield Difference(foreign=foreign)


async def mend(difference: Difference, publisher: ConfirmedPublisher) -> None:
    """Publish the events that make the index equal the warehouse.

    Events of documents that are on their way already are repeated, which changes nothing.

    Raises:
        ServerUnavailable: Kafka did not confirm them in time.
    """
    messages = difference.messages()
    while batch := list(islice(messages, _MESSAGES_A_BATCH)):
        await asyncio.to_thread(publisher.publish, batch)
    for kind, count in difference.counts.items():
        metrics.RECONCILED.labels(kind).inc(count)


@dataclass(frozen=True)
class _Held:
    """What the index holds of some documents, by document id."""

    heads: dict[str, Payload] = field(default_factory=dict)
    leaders: dict[str, Payload] = field(default_factory=dict)
    """The heads of those that are searched in place of duplicates."""
    chunks: dict[str, list[Payload]] = field(default_factory=lambda: defaultdict(list))


class _IndexPages:
    """Pages of one build of the index."""

    def __init__(self, client: "AsyncQdrantClient", collections: Collections) -> None:
        self._client = client
        self._collections = collections

    def all_heads(self) -> AsyncIterator[list[Payload]]:
        return self._scroll(self._collections.documents, ("document_id", "version"))

    def all_chunks(self) -> AsyncIterator[list[Payload]]:
        return self._scroll(self._collections.chunks, ("document_id", "version"))

    async def heads(self, document_ids: Collection[str], fields: Sequence[str]) -> dict[str, Payload]:
        points = await self._client.retrieve(
            self._collections.documents, list(document_ids), with_payload=list(fields)
        )
        return {str(point.id): point.payload or {} for point in points}

    async def held(self, document_ids: Collection[str]) -> _Held:
        heads = await self.heads(document_ids, HEAD_FIELDS)
        named = {str(head["duplicate_of"]) for head in heads.values() if head.get("duplicate_of")}
        leaders = await self.heads(named, ["status"]) if named else {}
        held = _Held(heads, leaders)
        of_these = models.FieldCondition(key="document_id", match=models.MatchAny(any=list(document_ids)))
        condition = models.Filter(must=[of_these])
        async for page in self._scroll(self._collections.chunks, CHUNK_FIELDS, condition):
            for chunk in page:
                held.chunks[str(chunk["document_id"])].append(chunk)
        return held

    async def _scroll(
        self, collection: str, fields: Sequence[str], condition: models.Filter | None = None
    ) -> AsyncIterator[list[Payload]]:
        offset: Any = None
        while True:
            points, offset = await self._client.scroll(
                collection,
                scroll_filter=condition,
                limit=_POINTS_A_PAGE,
                offset=offset,
                with_payload=list(fields),
            )
            yield [point.payload or {} for point in points]
            if offset is None:
                return


async def _list_newest(index: _IndexPages) -> dict[bytes, int]:
    """The newest version that the index holds anything of, by document."""
    newest: dict[bytes, int] = {}
    for pages in (index.all_heads(), index.all_chunks()):
        async for page in pages:
            for payload in page:
                key, version = _compact(str(payload["document_id"])), int(payload["version"])
                newest[key] = max(version, newest.get(key, 0))
    return newest


def _compact(document_id: str) -> bytes:
    return UUID(document_id).bytes


def _expand(key: bytes) -> str:
    return str(UUID(bytes=key))


async def _check(
    warehouse: Warehouse, index: _IndexPages, stored: Mapping[str, DocumentVersion]
) -> Difference:
    """What is missing or stale of a page of the warehouse.

    The page is older than what the index says of it. So what seems to be stale is read once more, the index
    first: an edit in between then shows as not indexed yet, and never as an index that is ahead.
    """
    first = _judge(stored, await index.held(stored))
    if not first.stale:
        return first
    doubtful = [entry.stored.document_id for entry in first.stale]
    held = await index.held(doubtful)
    again = _judge(await warehouse.documents.versions_of(doubtful), held)
    return Difference.together([Difference(missing=first.missing), again])


def _judge(stored: Mapping[str, DocumentVersion], held: _Held) -> Difference:
    missing: list[DocumentVersion] = []
    stale: list[Stale] = []
    for key, version in stored.items():
        head = held.heads.get(key)
        if head is None:
            missing.append(version)
            continue
        leader = held.leaders.get(str(head.get("duplicate_of")))
        if reasons := find_reasons(version, head, held.chunks.get(key, []), leader):
            stale.append(Stale(version, int(head["version"]), reasons))
    return Difference(missing=tuple(missing), stale=tuple(stale))


async def _pages(entries: AsyncIterator[T], size: int) -> AsyncIterator[list[T]]:
    page: list[T] = []
    async for entry in entries:
        page.append(entry)
        if len(page) == size:
            yield page
            page = []
    if page:
        yield page
