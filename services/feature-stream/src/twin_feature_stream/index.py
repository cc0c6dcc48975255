"""The vector index as this service uses it: a handful of requests, each for many documents."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from qdrant_client import models

from twin_common.documents import DocumentHead, HeadSummary
from twin_common.identity import point_id
from twin_common.vector_index import BM25, DENSE, LIVE, WORDS, Collections
from twin_feature_stream.work import ChunkVectors, Embedded

if TYPE_CHECKING:
    from qdrant_client import AsyncQdrantClient

_POINTS_A_REQUEST = 128
_HEAD_BYTES_A_REQUEST = 4_000_000
_IDS_A_REQUEST = 1000
_WITHOUT_TEXT = [name for name in DocumentHead.model_fields if name != "text"]


class Index:
    """Reads and writes the two collections of one build; every write waits until it is applied."""

    def __init__(self, client: "AsyncQdrantClient", collections: Collections = LIVE) -> None:
        self._client = client
        self._chunks = collections.chunks
        self._documents = collections.documents

    async def heads(self, document_ids: Sequence[str]) -> dict[str, HeadSummary]:
        """What the index knows of these documents."""
        found: dict[str, HeadSummary] = {}
        for start in range(0, len(document_ids), _IDS_A_REQUEST):
            records = await self._client.retrieve(
                self._documents,
                document_ids[start : start + _IDS_A_REQUEST],
                with_payload=list(HeadSummary.model_fields),
            )
            for record in records:
                head = HeadSummary.model_validate(record.payload)
                found[head.document_id] = head
        return found

    async def full_heads(self, document_ids: Sequence[str]) -> dict[str, DocumentHead]:
        """The heads of these documents with what copies are found by, without texts."""
        records = await self._client.retrieve(self._documents, document_ids, with_payload=_WITHOUT_TEXT)
        return _heads(records)

    async def copies(self, bands: Collection[str], document_ids: Collection[str]) -> dict[str, DocumentHead]:
        """Heads that share one of these bands, and the duplicates and leaders of these documents."""
        alternatives: list[models.Condition] = [
            _is_any("duplicate_of", document_ids),
            _is_any("copies", document_ids),
        ]
        if bands:
            alternatives.append(_is_any("bands", bands))
        found: dict[str, DocumentHead] = {}
        offset = None
        while True:
            records, offset = await self._client.scroll(
                self._documents,
                scroll_filter=models.Filter(should=alternatives),
                limit=_IDS_A_REQUEST,
                offset=offset,
                with_payload=_WITHOUT_TEXT,
            )
            found |= _heads(records)
            if offset is None:
                return found

    async def vectors(self, document_ids: Sequence[str]) -> dict[str, ChunkVectors]:
        """What the encoder made of all chunks of these documents, by the hash of their text."""
        found: dict[str, ChunkVectors] = {}
        offset = None
        while document_ids:
            records, offset = await self._client.scroll(
                self._chunks,
                scroll_filter=models.Filter(must=[_is_any("document_id", document_ids)]),
                limit=_POINTS_A_REQUEST * 2,
                offset=offset,
                with_payload=["text_hash", WORDS],
                with_vectors=[DENSE],
            )
            for record in records:
                if record.payload and WORDS in record.payload and isinstance(record.vector, Mapping):
                    vector: Any = record.vector[DENSE]
                    dense = np.asarray(vector, dtype=np.float32)
                    found[record.payload["text_hash"]] = ChunkVectors(dense, record.payload[WORDS])
            if offset is None:
                break
        return found

    async def remove(self, versions: Mapping[str, int | None]) -> None:
        """Delete the head and the chunks of each document; chunks above its version, if given, stay."""
        if not versions:
            return
        await self._client.delete(
            self._chunks,
            models.FilterSelector(
                filter=models.Filter(should=[_up_to(key, version) for key, version in versions.items()])
            ),
            wait=True,
        )
        await self._client.delete(self._documents, models.PointIdsList(points=list(versions)), wait=True)

    async def put_chunks(self, documents: Sequence[Embedded]) -> None:
        """Write the chunks of these documents over those of the same position."""
        points = [point for document in documents for point in _points(document)]
        for start in range(0, len(points), _POINTS_A_REQUEST):
            await self._client.upsert(self._chunks, points[start : start + _POINTS_A_REQUEST], wait=True)

    async def remove_outdated(self, documents: Sequence[Embedded]) -> None:
        """Delete the chunks of other versions, and what an interrupted attempt left beyond the last."""
        outdated: list[models.Condition] = []
        for document in documents:
            head = document.replacement.head
            beyond = models.Range(gte=len(document.replacement.chunks))
            outdated.append(
                models.Filter(
                    must=[_equals("document_id", head.document_id)],
                    must_not=[_equals("version", head.version)],
                )
            )
            outdated.append(
                models.Filter(
                    must=[
                        _equals("document_id", head.document_id),
                        models.FieldCondition(key="chunk_index", range=beyond),
                    ]
                )
            )
        await self._client.delete(
            self._chunks, models.FilterSelector(filter=models.Filter(should=outdated)), wait=True
        )

    async def put_heads(self, heads: Iterable[DocumentHead]) -> None:
        """Write the heads over the earlier ones: from now on these versions are known."""
        page: list[models.PointStruct] = []
        size = 0
        for head in heads:
            page.append(
                models.PointStruct(id=head.document_id, vector={}, payload=head.model_dump(mode="json"))
            )
            size += len(head.text)
            if size >= _HEAD_BYTES_A_REQUEST:
                await self._client.upsert(self._documents, page, wait=True)
                page, size = [], 0
        if page:
            await self._client.upsert(self._documents, page, wait=True)


def _points(document: Embedded) -> list[models.PointStruct]:
    chunks = document.replacement.chunks
    return [
        models.PointStruct.model_construct(  # validating 384 floats a chunk costs more than all the rest
            id=point_id(chunk.document_id, chunk.chunk_index),
            vector={
                DENSE: vectors.dense.tolist(),
                BM25: models.SparseVector.model_construct(indices=sparse.indices, values=sparse.values),
            },
            payload=chunk.model_dump(mode="json") | {WORDS: vectors.words},
        )
        for chunk, vectors, sparse in zip(chunks, document.vectors, document.sparse, strict=True)
    ]


def _heads(records: Iterable[models.Record]) -> dict[str, DocumentHead]:
    heads = [DocumentHead.model_validate({"text": "", **(record.payload or {})}) for record in records]
    return {head.document_id: head for head in heads}


def _is_any(key: str, values: Collection[str]) -> models.FieldCondition:
    return models.FieldCondition(key=key, match=models.MatchAny(any=list(values)))


def _equals(key: str, value: str | int) -> models.FieldCondition:
    return models.FieldCondition(key=key, match=models.MatchValue(value=value))


def _up_to(document_id: str, version: int | None) -> models.Filter:
    """The chunks of a document up to a version, or all."""
    must: list[models.Condition] = [_equals("document_id", document_id)]
    if version is not None:
        must.append(models.FieldCondition(key="version", range=models.Range(lte=version)))
    return models.Filter(must=must)
