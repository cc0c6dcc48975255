"""The names both sides of the vector index use, and how its collections are laid out."""

import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from twin_common.documents import HeadSummary
from twin_common.identity import AuthorId

if TYPE_CHECKING:
    from qdrant_client import AsyncQdrantClient

CHUNKS = "chunks"
DOCUMENTS = "documents"
DENSE = "dense"
BM25 = "bm25"
PIPELINE_VERSION = "p2"
"""Grows when cleaning or chunking changes what is stored for the same document."""

_CHUNK_INDEXES = {
    "document_id": "keyword",
    "version": "integer",
    "category": "keyword",
    "platform": "keyword",
    "language": "keyword",
    "published_at": "datetime",
}
_DOCUMENT_INDEXES = {
    "status": "keyword",
    "category": "keyword",
    "content_hash": "keyword",
    "bands": "keyword",
    "duplicate_of": "keyword",
    "copies": "keyword",
}


class VectorIndexSettings(BaseSettings):
    """Where Qdrant is; read from `QDRANT_*`."""

    model_config = SettingsConfigDict(env_prefix="QDRANT_", use_attribute_docstrings=True)

    url: str = "http://127.0.0.1:6333"
    api_key: SecretStr | None = None
    timeout_seconds: int = 30
    """How long one request may take."""


def connect(settings: VectorIndexSettings) -> "AsyncQdrantClient":
    """A client for the vector index; it connects at its first request."""
    from qdrant_client import AsyncQdrantClient

    key = settings.api_key.get_secret_value() if settings.api_key else None
    return AsyncQdrantClient(
        url=settings.url,
        api_key=key,
        timeout=settings.timeout_seconds,
        prefer_grpc=False,
        check_compatibility=False,
    )


def collection_name(alias: str, model_name: str) -> str:
    """The collection behind an alias, such as chunks__all_minilm_l6_v2__p2."""
    slug = re.sub(r"[^a-z0-9]+", "_", model_name.rsplit("/", 1)[-1].lower()).strip("_")
    return f"{alias}__{slug}__{PIPELINE_VERSION}"


async def ensure_collections(client: "AsyncQdrantClient", model_name: str, dimensions: int) -> None:
    """Create what is missing of the collections, payload indexes and aliases; safe to repeat.

    An alias that exists stays where it points: moving it is the business of a re-indexing.
    """
    from qdrant_client import models

    aliases = {entry.alias_name for entry in (await client.get_aliases()).aliases}
    chunks, documents = collection_name(CHUNKS, model_name), collection_name(DOCUMENTS, model_name)
    if CHUNKS not in aliases:
        if not await client.collection_exists(chunks):
            await client.create_collection(
                chunks,
                vectors_config={DENSE: models.VectorParams(size=dimensions, distance=models.Distance.COSINE)},
                sparse_vectors_config={BM25: models.SparseVectorParams(modifier=models.Modifier.IDF)},
            )
        await _create_indexes(client, chunks, _CHUNK_INDEXES)
        await _point_alias(client, CHUNKS, chunks)
    if DOCUMENTS not in aliases:
        if not await client.collection_exists(documents):
            await client.create_collection(documents, vectors_config={})
        await _create_indexes(client, documents, _DOCUMENT_INDEXES)
        await _point_alias(client, DOCUMENTS, documents)


async def head_summaries(
    client: "AsyncQdrantClient", author_id: AuthorId | None = None
) -> AsyncIterator[HeadSummary]:
    """Every document that the index knows, of one author or of all, without texts."""
    from qdrant_client import models

    only = None
    if author_id is not None:
        mine = models.FieldCondition(key="author_id", match=models.MatchValue(value=author_id))
        only = models.Filter(must=[mine])
    offset = None
    while True:
        points, offset = await client.scroll(
            DOCUMENTS,
            scroll_filter=only,
            limit=1000,
            offset=offset,
            with_payload=list(HeadSummary.model_fields),
        )
        for point in points:
            yield HeadSummary.model_validate(point.payload)
        if offset is None:
            return


async def _create_indexes(client: "AsyncQdrantClient", collection: str, fields: dict[str, str]) -> None:
    from qdrant_client import models

    tenant = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
    await client.create_payload_index(collection, "author_id", field_schema=tenant, wait=True)
    for field, kind in fields.items():
        schema = models.PayloadSchemaType(kind)
        await client.create_payload_index(collection, field, field_schema=schema, wait=True)


async def _point_alias(client: "AsyncQdrantClient", alias: str, collection: str) -> None:
    from qdrant_client import models

    create = models.CreateAlias(collection_name=collection, alias_name=alias)
    await client.update_collection_aliases([models.CreateAliasOperation(create_alias=create)])
