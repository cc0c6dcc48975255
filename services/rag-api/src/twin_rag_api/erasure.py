"""Erasing an author, or one document, from everything; and the proof that the index holds nothing of it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from qdrant_client import AsyncQdrantClient, models

from twin_common.events import DocumentDeleted, Message, encode, tombstone
from twin_common.identity import AuthorId
from twin_common.index_builds import read_builds
from twin_common.topics import ALL_TOPICS
from twin_common.vector_index import Collections
from twin_common.warehouse import Warehouse

Publish = Callable[[Sequence[Message]], Awaitable[None]]
"""Returns once Kafka has confirmed all of them."""

_SOURCE = "erasure"
_EVENTS_A_BATCH = 500
_POINTS_A_PAGE = 1000
_LOOK_SECONDS = 0.25
_DAY_MS = 24 * 3600 * 1000


@dataclass(frozen=True)
class ErasureReport:
    """What was erased, and what was found when it was looked for afterwards."""

    rows: dict[str, int]
    """Deleted rows of the warehouse, by collection."""
    documents: int
    """Documents whose deletion was published, each with a tombstone behind it."""
    points_left: int
    """What the index still held when the waiting ended; 0 is the proof."""
    kept_by_topics: list[str] = field(default_factory=list)
    """Topics that forget messages by their age only."""


class Erasure:
    """Deletes in the warehouse first, tells the stream, and waits for the index; repeating it is harmless."""

    def __init__(self, warehouse: Warehouse, index: AsyncQdrantClient, publish: Publish) -> None:
        self._warehouse = warehouse
        self._index = index
        self._publish = publish

    async def erase_author(self, author_id: AuthorId, wait_seconds: float) -> ErasureReport:
        """Erase all that there is of an author, the keys and the registration too.

        Raises:
            ServerUnavailable: Kafka does not take the deletions; ask again.
        """
        known = {version.document_id async for version in self._warehouse.documents.versions(author_id)}
        known |= {
            state.document_id
            for state in (await self._warehouse.crawls.pages(author_id)).values()
            if state.document_id
        }
        mine = _equals("author_id", author_id)
        rows = await self._warehouse.erasures.erase_author(author_id)
        known |= await self._indexed(mine)
        await self._announce(known)
        left = await self._wait_until_empty(mine, wait_seconds)
        # A run that ended meanwhile may have left a last word.
        late = await self._warehouse.erasures.erase_author(author_id)
        rows |= {name: rows.get(name, 0) + count for name, count in late.items()}
        return ErasureReport(rows, len(known), left, _kept_by_topics())

    async def erase_document(self, document_id: str, wait_seconds: float) -> ErasureReport:
        """Erase one document. Raises: as `erase_author`."""
        rows = await self._warehouse.erasures.erase_document(document_id)
        await self._announce({document_id})
        left = await self._wait_until_empty(_equals("document_id", document_id), wait_seconds)
        return ErasureReport(rows, 1, left, _kept_by_topics())

    async def _announce(self, document_ids: set[str]) -> None:
        waiting = sorted(document_ids)
        for start in range(0, len(waiting), _EVENTS_A_BATCH):
            messages: list[Message] = []
            for document_id in waiting[start : start + _EVENTS_A_BATCH]:
                event = DocumentDeleted(document_id=document_id)
                messages += [encode(event, _SOURCE), tombstone(event)]
            await self._publish(messages)

    async def _collections(self) -> list[Collections]:
        return [build.collections for build in (await read_builds(self._index)).values()]

    async def _indexed(self, condition: models.Filter) -> set[str]:
        """The documents of which any build of the index holds anything."""
        found: set[str] = set()
        for collections in await self._collections():
            for name in (collections.documents, collections.chunks):
                offset = None
                while True:
                    points, offset = await self._index.scroll(
                        name, condition, limit=_POINTS_A_PAGE, offset=offset, with_payload=["document_id"]
                    )
                    found |= {str((point.payload or {})["document_id"]) for point in points}
                    if offset is None:
                        break
        return found

    async def _wait_until_empty(self, condition: models.Filter, wait_seconds: float) -> int:
        """Wait for the stream to delete; how many points are left in all builds."""
        deadline = time.monotonic() + wait_seconds
        while True:
            left = 0
            for collections in await self._collections():
                for name in (collections.documents, collections.chunks):
                    left += (await self._index.count(name, condition, exact=True)).count
            if not left or time.monotonic() > deadline:
                return left
            await asyncio.sleep(_LOOK_SECONDS)


def _equals(key: str, value: str) -> models.Filter:
    return models.Filter(must=[models.FieldCondition(key=key, match=models.MatchValue(value=value))])


def _kept_by_topics() -> list[str]:
    """Messages that name the author or quote a document and that only time removes, in a sentence each."""
    return [
        f"{topic.name} forgets its messages after {topic.retention_ms // _DAY_MS} days"
        for topic in ALL_TOPICS
        if topic.retention_ms is not None
    ]
