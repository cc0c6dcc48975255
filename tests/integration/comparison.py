"""Warehouse and index to the last byte: what a correct stream must have left behind."""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qdrant_client import AsyncQdrantClient, models

from twin_common.documents import RawDocument, text_hash
from twin_common.embedding import Embedder, EmbeddingSettings, load_embedder, load_sparse_embedder
from twin_common.embedding.words import unpack_words
from twin_common.identity import point_id
from twin_common.vector_index import BM25, CHUNKS, DENSE, DOCUMENTS, WORDS
from twin_common.warehouse import Warehouse
from twin_feature_stream.chunking import ChunkingPolicy, Passage, chunk_texts
from twin_feature_stream.cleaning import clean, clean_line

_PAGE = 1000
_TRIES = 20
_EQUAL_COSINE = 0.99
"""What one text's vectors have at least, whichever texts it was encoded beside; int8 kernels round."""
_EQUAL_WORDS = 0.9
"""How far the signs that the index keeps agree at least with the words they were made of."""


@dataclass(frozen=True)
class Point:
    """A point of the index."""

    id: str
    payload: Mapping[str, Any]
    dense: NDArray[np.float32] | None = None
    sparse: models.SparseVector | None = None


async def differences(warehouse: Warehouse, client: AsyncQdrantClient, encode_again: int = 200) -> list[str]:
    """What the index has lost, has twice, has kept too long or has wrong; empty when both are equal.

    Args:
        encode_again: how many dense vectors are compared with a new encoding of their text, drawn at random;
            that there is one is checked of every chunk.
    """
    embedder = load_embedder(EmbeddingSettings())
    heads = await _points(client, DOCUMENTS)
    chunks = await _points(client, CHUNKS)
    documents = {document.document_id: document async for document in warehouse.documents.all()}
    found = _misplaced(documents, heads, chunks)
    chunks_of: dict[str, list[Point]] = defaultdict(list)
    for chunk in chunks:
        chunks_of[chunk.payload["document_id"]].append(chunk)
    head_of = {head.id: head for head in heads}
    for document, text, passages in _expected(list(documents.values()), embedder):
        key = document.document_id
        head = head_of.get(key)
        if head is None:
            found.append(f"{key}: no head")
        else:
            found += _wrong_head(document, text, len(passages), head.payload)
        found += _wrong_chunks(document, passages, chunks_of[key])
    return found + _wrong_vectors(chunks, embedder, encode_again)


def _misplaced(
    documents: Mapping[str, RawDocument], heads: Sequence[Point], chunks: Sequence[Point]
) -> list[str]:
    """Points that belong to nothing, stand under another's id, or stand there twice."""
    found: list[str] = []
    for head in heads:
        if head.id not in documents:
            found.append(f"{head.id}: head of a document that is gone")
        if head.id != head.payload["document_id"]:
            found.append(f"{head.id}: head of another document, {head.payload['document_id']}")
    places = Counter((chunk.payload["document_id"], chunk.payload["chunk_index"]) for chunk in chunks)
    found += [
        f"{key}: chunk {index} is there {count} times" for (key, index), count in places.items() if count > 1
    ]
    for chunk in chunks:
        key, index = chunk.payload["document_id"], chunk.payload["chunk_index"]
        if key not in documents:
            found.append(f"{key}: chunk {index} of a document that is gone")
        if chunk.id != point_id(key, index):
            found.append(f"{key}: chunk {index} has the id {chunk.id}")
    return found


def _expected(
    documents: Sequence[RawDocument], embedder: Embedder
) -> Iterator[tuple[RawDocument, str, tuple[Passage, ...]]]:
    """Each document with its cleaned text and the passages that must be found of it."""
    texts = [(document.category, clean(document.text, document.category)) for document in documents]
    policy = ChunkingPolicy(max_tokens=embedder.max_tokens)
    passages = chunk_texts(texts, embedder.count_tokens, policy)
    for document, (_, text), own in zip(documents, texts, passages, strict=True):
        yield document, text, own


def _described(document: RawDocument) -> dict[str, Any]:
    """What the heads and the chunks of a document have in common."""
    described = document.model_dump(
        mode="json",
        include={"author_id", "version", "category", "platform", "url", "language", "published_at"},
    )
    return described | {"document_id": document.document_id, "title": clean_line(document.title)}


def _wrong_head(document: RawDocument, text: str, chunks: int, head: Mapping[str, Any]) -> list[str]:
    wanted = _described(document) | {
        "content_hash": document.content_hash,
        "text": text,
        "chunk_count": chunks,
        "status": "searchable",
        "metadata": document.metadata,
    }
    return _unequal(f"{document.document_id}: its head", wanted, head)


def _wrong_chunks(document: RawDocument, passages: Sequence[Passage], chunks: Sequence[Point]) -> list[str]:
    key = document.document_id
    by_index = {chunk.payload["chunk_index"]: chunk for chunk in chunks}
    found = [f"{key}: a chunk {index} too many" for index in by_index if index >= len(passages)]
    for index, passage in enumerate(passages):
        if index not in by_index:
            found.append(f"{key}: chunk {index} is missing")
            continue
        wanted = _described(document) | {
            "heading_path": list(passage.heading_path),
            "text": passage.text,
            "text_hash": text_hash(passage.text),
            "token_count": passage.token_count,
        }
        found += _unequal(f"{key}: its chunk {index}", wanted, by_index[index].payload)
    return found


def _unequal(what: str, wanted: Mapping[str, Any], payload: Mapping[str, Any]) -> list[str]:
    return [
        f"{what} has {name} {str(payload.get(name))[:60]!r} instead of {str(value)[:60]!r}"
        for name, value in wanted.items()
        if payload.get(name) != value
    ]


def _wrong_vectors(chunks: Sequence[Point], embedder: Embedder, encode_again: int) -> list[str]:
    """Vectors that are missing or belong to another text."""
    found: list[str] = []
    whole: list[tuple[Point, NDArray[np.float32]]] = []
    sparse = load_sparse_embedder().embed_documents([chunk.payload["text"] for chunk in chunks])
    for chunk, wanted in zip(chunks, sparse, strict=True):
        name = f"{chunk.payload['document_id']}: its chunk {chunk.payload['chunk_index']}"
        if chunk.dense is None or not np.isclose(np.linalg.norm(chunk.dense), 1, atol=1e-3):
            found.append(f"{name} has no dense vector")
        else:
            whole.append((chunk, chunk.dense))
        if not chunk.payload.get(WORDS):
            found.append(f"{name} lacks its words")
        if chunk.sparse is None:
            found.append(f"{name} has no sparse vector")
        elif not _same_weights(chunk.sparse, dict(zip(wanted.indices, wanted.values, strict=True))):
            found.append(f"{name} has the sparse vector of another text")
    sample = random.Random(len(whole)).sample(whole, min(encode_again, len(whole)))
    if not sample:
        return found
    again = embedder.embed_with_words([chunk.payload["text"] for chunk, _ in sample])
    for (chunk, dense), vector, words in zip(sample, *again, strict=True):
        name = f"{chunk.payload['document_id']}: its chunk {chunk.payload['chunk_index']}"
        if float(np.dot(dense, vector)) < _EQUAL_COSINE:
            found.append(f"{name} has the dense vector of another text")
        kept = chunk.payload.get(WORDS)
        if kept and _agreement(words, unpack_words(kept, len(vector))) < _EQUAL_WORDS:
            found.append(f"{name} has the words of another text")
    return found


def _same_weights(sparse: models.SparseVector, wanted: Mapping[int, float]) -> bool:
    weights = dict(zip(sparse.indices, sparse.values, strict=True))
    return weights.keys() == wanted.keys() and all(
        np.isclose(weights[index], value, rtol=1e-4) for index, value in wanted.items()
    )


async def _points(client: AsyncQdrantClient, collection: str) -> list[Point]:
    """Every point with its vectors; a count says whether the listing left any out.

    A write that was under way may fall between the two, so that they get some tries.
    """
    for _ in range(_TRIES):
        points = await _listed(client, collection)
        count = (await client.count(collection, exact=True)).count
        if count == len(points):
            return points
        await asyncio.sleep(0.5)
    raise AssertionError(f"{collection} lists {len(points)} points and counts {count}: it is being written")


async def _listed(client: AsyncQdrantClient, collection: str) -> list[Point]:
    points: list[Point] = []
    offset = None
    while True:
        page, offset = await client.scroll(
            collection, limit=_PAGE, offset=offset, with_payload=True, with_vectors=collection == CHUNKS
        )
        points += [_point(record) for record in page]
        if offset is None:
            return points


def _point(record: models.Record) -> Point:
    vector = record.vector if isinstance(record.vector, dict) else {}
    dense, sparse = vector.get(DENSE), vector.get(BM25)
    return Point(
        str(record.id),
        record.payload or {},
        np.asarray(dense, dtype=np.float32) if dense else None,
        sparse if isinstance(sparse, models.SparseVector) else None,
    )


def _agreement(words: "NDArray[np.float32]", kept: "NDArray[np.uint8]") -> float:
    """1 where every sign is the word's own, 0 where they are of another; small numbers count for little."""
    if len(words) != len(kept):
        return 0.0
    signs = 2.0 * np.unpackbits(kept, axis=1, count=words.shape[1]) - 1.0
    return float((words * signs).sum() / np.abs(words).sum())
