"""The names both sides of the vector index use, and how its collections are laid out."""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from twin_common.documents import HeadSummary
from twin_common.identity import AuthorId

if TYPE_CHECKING:
    from qdrant_client import AsyncQdrantClient

CHUNKS = "chunks"
DOCUMENTS = "documents"
DENSE = "dense"
BM25 = "bm25"
WORDS = "words"
"""The payload key of the packed vectors of a chunk's words, 5 kB; as numbers they would be 20 and more."""
PIPELINE_VERSION = "p3"
"""Grows when what is stored for the same document changes."""


@dataclass(frozen=True)
class Collections:
    """The two collections of one build of the index; without names, those that readers see."""

    chunks: str = CHUNKS
    documents: str = DOCUMENTS

    @classmethod
    def of_model(cls, model_name: str) -> Self:
        """Where the chunks and heads of this encoder and this pipeline version are."""
        return cls(collection_name(CHUNKS, model_name), collection_name(DOCUMENTS, model_name))


LIVE = Collections()
"""What readers see, through the aliases."""

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

    url: str
    """Qdrant's REST address, such as http://qdrant:6333."""
    api_key: SecretStr | None = None
    """The key that Qdrant asks for."""
    timeout_seconds: int = 30
    """How long one request may take."""

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("it must be http://host:port or https://host:port")
        return url


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
    """The collection behind an alias, such as chunks__all_minilm_l6_v2__p3."""
    slug = re.sub(r"[^a-z0-9]+", "_", model_name.rsplit("/", 1)[-1].lower()).strip("_")
    return f"{alias}__{slug}__{PIPELINE_VERSION}"


async def create_collections(
    client: "AsyncQdrantClient", collections: Collections, dimensions: int, encoder: Mapping[str, Any]
) -> None:
    """Create what is missing of two collections and their payload indexes; safe to repeat.

    Args:
        encoder: what a reader needs to load the encoder of the vectors; kept with the collection.
    """
    from qdrant_client import models

    if not await client.collection_exists(collections.chunks):
        await client.create_collection(
            collections.chunks,
            vectors_config={DENSE: models.VectorParams(size=dimensions, distance=models.Distance.COSINE)},
            sparse_vectors_config={BM25: models.SparseVectorParams(modifier=models.Modifier.IDF)},
            metadata=dict(encoder),
        )
    await _create_indexes(client, collections.chunks, _CHUNK_INDEXES)
    if not await client.collection_exists(collections.documents):
        await client.create_collection(collections.documents, vectors_config={}, metadata=dict(encoder))
    await _create_indexes(client, collections.documents, _DOCUMENT_INDEXES)


async def head_summaries(
    client: "AsyncQdrantClient", author_id: AuthorId | None = None, collections: Collections = LIVE
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
            collections.documents,
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
