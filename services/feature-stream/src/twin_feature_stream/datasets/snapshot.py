"""Reads what datasets are made of from the vector index: the head of every document of an author."""

from typing import TYPE_CHECKING, Any

from twin_common.documents import DocumentHead
from twin_common.identity import AuthorId
from twin_common.vector_index import DOCUMENTS
from twin_feature_stream.datasets.triggers import Present

if TYPE_CHECKING:
    from qdrant_client import AsyncQdrantClient

_HEADS_A_REQUEST = 256
_SUMMARIES_A_REQUEST = 1000
_NOT_NEEDED = {"signature", "bands", "copies", "addresses"}
_WITH_TEXT = [name for name in DocumentHead.model_fields if name not in _NOT_NEEDED]


async def read_documents(client: "AsyncQdrantClient", author_id: AuthorId) -> list[DocumentHead]:
    """The newest version of every document that the index knows, with its text."""
    payloads = await _payloads(client, author_id, _WITH_TEXT, _HEADS_A_REQUEST)
    return [DocumentHead.model_validate({"text": "", **payload}) for payload in payloads]


async def read_present(client: "AsyncQdrantClient", author_id: AuthorId, feedback: int) -> Present:
    """How much there is, without reading the texts."""
    fields = ["document_id", "version", "text_length"]
    payloads = await _payloads(client, author_id, fields, _SUMMARIES_A_REQUEST)
    return Present(
        documents={row["document_id"]: row["version"] for row in payloads},
        lengths={row["document_id"]: row.get("text_length", 0) for row in payloads},
        feedback=feedback,
    )


async def _payloads(
    client: "AsyncQdrantClient", author_id: AuthorId, fields: list[str], page: int
) -> list[dict[str, Any]]:
    from qdrant_client import models

    mine = models.FieldCondition(key="author_id", match=models.MatchValue(value=author_id))
    found: list[dict[str, Any]] = []
    offset = None
    while True:
        points, offset = await client.scroll(
            DOCUMENTS,
            scroll_filter=models.Filter(must=[mine]),
            limit=page,
            offset=offset,
            with_payload=fields,
        )
        found += [point.payload for point in points if point.payload]
        if offset is None:
            return found
