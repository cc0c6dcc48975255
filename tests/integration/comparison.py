"""Warehouse and index to the last chunk: what a correct stream must have left behind."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from qdrant_client import AsyncQdrantClient

from twin_common.embedding import EmbeddingSettings, load_embedder
from twin_common.identity import point_id
from twin_common.vector_index import CHUNKS, DOCUMENTS
from twin_common.warehouse import Warehouse
from twin_feature_stream.chunking import ChunkingPolicy, chunk_texts
from twin_feature_stream.cleaning import clean


@dataclass(frozen=True)
class IndexState:
    """Every point of the index, without vectors."""

    heads: dict[str, dict[str, Any]]
    chunks: dict[str, dict[str, Any]]
    """By point id."""


async def read_index(client: AsyncQdrantClient) -> IndexState:
    """Read both collections whole."""
    return IndexState(await _all_points(client, DOCUMENTS), await _all_points(client, CHUNKS))


async def differences(warehouse: Warehouse, client: AsyncQdrantClient) -> list[str]:
    """What the index has lost, has twice, has kept too long or has wrong; empty when both are equal."""
    index = await read_index(client)
    found: list[str] = []
    embedder = load_embedder(EmbeddingSettings())
    policy = ChunkingPolicy(max_tokens=embedder.max_tokens)
    documents = [document async for document in warehouse.documents.all()]
    texts = [(document.category, clean(document.text, document.category)) for document in documents]
    expected_points: set[str] = set()
    indexed: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for payload in index.chunks.values():
        indexed[payload["document_id"]].append(payload)
    for document, passages in zip(documents, chunk_texts(texts, embedder.count_tokens, policy), strict=True):
        key = document.document_id
        head = index.heads.get(key)
        if head is None:
            found.append(f"{key}: no head")
            continue
        if (head["version"], head["content_hash"]) != (document.version, document.content_hash):
            found.append(f"{key}: head of version {head['version']}, stored {document.version}")
        chunks = sorted(indexed[key], key=lambda payload: int(payload["chunk_index"]))
        if [chunk["text"] for chunk in chunks] != [passage.text for passage in passages]:
            found.append(f"{key}: {len(chunks)} chunks do not hold its {len(passages)} passages")
        if any(chunk["version"] != document.version for chunk in chunks):
            found.append(f"{key}: a chunk of another version")
        expected_points |= {point_id(key, number) for number in range(len(passages))}
    stored = {document.document_id for document in documents}
    found += [f"{key}: head of a document that is gone" for key in index.heads.keys() - stored]
    found += [f"{point}: a point too many" for point in index.chunks.keys() - expected_points]
    return found


async def _all_points(client: AsyncQdrantClient, collection: str) -> dict[str, dict[str, Any]]:
    points: dict[str, dict[str, Any]] = {}
    offset = None
    while True:
        page, offset = await client.scroll(collection, limit=2000, offset=offset, with_payload=True)
        points |= {str(point.id): dict(point.payload or {}) for point in page}
        if offset is None:
            return points
