"""Compares the index with the warehouse and asks for what differs, through the same events as everyone.

There is no second way to write the index: mending publishes the events that the change feed would.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from qdrant_client import models

from twin_common.documents import HeadStatus, HeadSummary
from twin_common.events import DocumentDeleted, DocumentUpserted, Message, encode, tombstone
from twin_common.vector_index import CHUNKS, head_summaries
from twin_common.warehouse import DocumentVersion, Warehouse
from twin_feature_stream import metrics
from twin_feature_stream.message_sink import ConfirmedPublisher
from twin_feature_stream.work import SERVICE

if TYPE_CHECKING:
    from qdrant_client import AsyncQdrantClient

_MESSAGES_A_BATCH = 1000
_IDS_A_REQUEST = 1000
_POINTS_A_PAGE = 5000


@dataclass(frozen=True)
class Stale:
    """The index holds another state of the document than the warehouse."""

    stored: DocumentVersion
    indexed_version: int


@dataclass(frozen=True)
class Foreign:
    """The index holds something of a document that the warehouse does not have."""

    document_id: str
    version: int
    """The newest version that the index holds."""


@dataclass(frozen=True)
class Difference:
    """All that keeps the index from equalling the warehouse."""

    missing: tuple[DocumentVersion, ...] = ()
    stale: tuple[Stale, ...] = ()
    foreign: tuple[Foreign, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many documents are missing, stale and foreign."""
        return {"missing": len(self.missing), "stale": len(self.stale), "foreign": len(self.foreign)}

    def __bool__(self) -> bool:
        return any(self.counts.values())


async def compare(warehouse: Warehouse, client: "AsyncQdrantClient") -> Difference:
    """How the index differs from the warehouse; what is still on its way counts as different.

    The index is listed first: a document that is stored in between is then missing, never foreign.
    """
    heads = {head.document_id: head async for head in head_summaries(client)}
    chunk_counts = await _chunk_counts(client)
    stored = {version.document_id: version async for version in warehouse.documents.versions()}
    return Difference(
        missing=tuple(version for key, version in stored.items() if key not in heads),
        stale=tuple(
            Stale(version, head.version)
            for key, version in stored.items()
            if (head := heads.get(key))
            and (_is_stale(head, version, chunk_counts.get(key, 0)) or _leads_nowhere(head, heads))
        ),
        foreign=(
            *(Foreign(key, head.version) for key, head in heads.items() if key not in stored),
            *await _headless(client, chunk_counts.keys() - heads.keys() - stored.keys()),
        ),
    )


async def mend(difference: Difference, publisher: ConfirmedPublisher) -> None:
    """Publish the events that make the index equal the warehouse.

    Events of documents that are on their way already are repeated, which changes nothing.

    Raises:
        ServerUnavailable: Kafka did not confirm them in time.
    """
    messages = _messages(difference)
    while batch := list(islice(messages, _MESSAGES_A_BATCH)):
        await asyncio.to_thread(publisher.publish, batch)
    for kind, count in difference.counts.items():
        metrics.RECONCILED.labels(kind).inc(count)


def _messages(difference: Difference) -> Iterator[Message]:
    for missing in difference.missing:
        yield _upsert(missing)
    for stale in difference.stale:
        if stale.indexed_version >= stale.stored.version:
            # The version rule would skip an upsert of what the index believes to have.
            yield _delete(stale.stored.document_id, stale.indexed_version)
        yield _upsert(stale.stored)
    for foreign in difference.foreign:
        deletion = DocumentDeleted(document_id=foreign.document_id, version=foreign.version)
        yield encode(deletion, SERVICE)
        yield tombstone(deletion)


def _upsert(version: DocumentVersion) -> Message:
    event = DocumentUpserted(
        document_id=version.document_id, category=version.category, version=version.version
    )
    return encode(event, SERVICE)


def _delete(document_id: str, version: int) -> Message:
    return encode(DocumentDeleted(document_id=document_id, version=version), SERVICE)


def _is_stale(head: HeadSummary, stored: DocumentVersion, chunk_count: int) -> bool:
    return (
        head.version < stored.version
        or head.content_hash != stored.content_hash
        or head.chunk_count != chunk_count
    )


def _leads_nowhere(head: HeadSummary, heads: Mapping[str, HeadSummary]) -> bool:
    """Whether the document that is to be searched in place of a duplicate cannot be."""
    if head.duplicate_of is None:
        return False
    leader = heads.get(head.duplicate_of)
    return leader is None or leader.status is not HeadStatus.SEARCHABLE


async def _chunk_counts(client: "AsyncQdrantClient") -> dict[str, int]:
    """How many chunks each document has in the index."""
    total = (await client.count(CHUNKS, exact=True)).count
    if not total:
        return {}
    answer = await client.facet(CHUNKS, "document_id", limit=total, exact=True)
    return {str(hit.value): hit.count for hit in answer.hits}


async def _headless(client: "AsyncQdrantClient", document_ids: Iterable[str]) -> list[Foreign]:
    """Documents of which only chunks are left, with the newest version among these."""
    newest: dict[str, int] = {}
    waiting: Sequence[str] = sorted(document_ids)
    for start in range(0, len(waiting), _IDS_A_REQUEST):
        some = list(waiting[start : start + _IDS_A_REQUEST])
        condition = models.FieldCondition(key="document_id", match=models.MatchAny(any=some))
        offset = None
        while True:
            points, offset = await client.scroll(
                CHUNKS,
                scroll_filter=models.Filter(must=[condition]),
                limit=_POINTS_A_PAGE,
                offset=offset,
                with_payload=["document_id", "version"],
            )
            for point in points:
                payload = point.payload or {}
                key, version = str(payload["document_id"]), int(payload["version"])
                newest[key] = max(version, newest.get(key, 0))
            if offset is None:
                break
    return [Foreign(key, version) for key, version in newest.items()]
