"""An author's documents with how the index stands to each."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase
from qdrant_client import AsyncQdrantClient

from twin_common.documents import DocumentState, HeadSummary, RawDocument, document_state
from twin_common.vector_index import DOCUMENTS
from twin_common.warehouse.documents import COLLECTIONS
from twin_rag_api.auth import AuthorScope
from twin_rag_api.index import answered

_ENTRY_FIELDS = [field for field in RawDocument.model_fields if field not in ("text", "metadata")]
_NEWEST_FIRST = [("stored_at", -1), ("_id", 1)]


@dataclass(frozen=True)
class DocumentStatus:
    """A document of the warehouse, and its head in the index if there is one."""

    row: dict[str, Any]
    head: HeadSummary | None

    @property
    def state(self) -> DocumentState:
        return document_state(self.row["version"], self.head)


@dataclass(frozen=True)
class DocumentPage:
    """A part of the author's documents, newest first."""

    total: int
    documents: list[DocumentStatus]


class DocumentDirectory:
    """Reads a page of the warehouse and the heads of that page; no text is moved."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]], index: AsyncQdrantClient) -> None:
        self._collections = [database[name] for name in COLLECTIONS.values()]
        self._index = index

    async def page(self, scope: AuthorScope, offset: int, limit: int) -> DocumentPage:
        """The author's documents from `offset` on.

        Raises:
            NotReady: the collection of heads does not exist yet.
            ServerUnavailable: the vector index does not answer.
        """
        mine = {"author_id": scope.author_id}
        projection = dict.fromkeys(_ENTRY_FIELDS, 1)
        rows: list[dict[str, Any]] = []
        total = 0
        for collection in self._collections:
            count = await collection.count_documents(mine)
            total += count
            if count:
                newest = collection.find(mine, projection).sort(_NEWEST_FIRST).limit(offset + limit)
                rows += await newest.to_list()
        rows.sort(key=_newest_first)
        wanted = rows[offset : offset + limit]
        heads = await self._heads(scope, [row["_id"] for row in wanted])
        return DocumentPage(total, [DocumentStatus(row, heads.get(row["_id"])) for row in wanted])

    async def _heads(self, scope: AuthorScope, ids: list[str]) -> dict[str, HeadSummary]:
        if not ids:
            return {}
        fields = list(HeadSummary.model_fields)
        points = await answered(self._index.retrieve(DOCUMENTS, ids, with_payload=fields), DOCUMENTS)
        heads = [HeadSummary.model_validate(point.payload) for point in points]
        return {head.document_id: head for head in heads if head.author_id == scope.author_id}


def _newest_first(row: dict[str, Any]) -> tuple[float, str]:
    stored: datetime = row["stored_at"]
    return (-stored.timestamp(), row["_id"])
