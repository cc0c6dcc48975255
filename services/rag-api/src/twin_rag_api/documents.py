"""An author's documents with how the index stands to each."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase
from qdrant_client import AsyncQdrantClient

from twin_common.documents import DocumentState, HeadSummary, RawDocument, document_state
from twin_common.identity import point_id
from twin_common.vector_index import CHUNKS, DOCUMENTS
from twin_common.warehouse.document_rows import COLLECTIONS
from twin_rag_api.auth import AuthorScope
from twin_rag_api.errors import NotFound
from twin_rag_api.index import answered
from twin_rag_api.paging import Place, rows_behind

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


@dataclass(frozen=True)
class DocumentText:
    """What a document says, as it is searched."""

    title: str
    url: str
    version: int
    text: str
    passage: tuple[int, int] | None
    """From where to where in `text` the wanted chunk stands; None where none was wanted or it is no more."""


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

    async def page_behind(self, scope: AuthorScope, place: Place, limit: int) -> list[DocumentStatus]:
        """The author's documents behind a place; as quick for the last page as for the first.

        Raises: as `page`.
        """
        rows: list[dict[str, Any]] = []
        for collection in self._collections:
            mine = {"author_id": scope.author_id}
            fields = dict.fromkeys(_ENTRY_FIELDS, 1)
            rows += await rows_behind(collection, mine, "stored_at", place, limit=limit, fields=fields)
        rows = sorted(rows, key=_newest_first)[:limit]
        heads = await self._heads(scope, [row["_id"] for row in rows])
        return [DocumentStatus(row, heads.get(row["_id"])) for row in rows]

    async def one(self, scope: AuthorScope, document_id: str) -> DocumentStatus:
        """One document of the author.

        Raises:
            NotFound: the author has none of this id.
        """
        for collection in self._collections:
            mine = {"_id": document_id, "author_id": scope.author_id}
            if row := await collection.find_one(mine, dict.fromkeys(_ENTRY_FIELDS, 1)):
                heads = await self._heads(scope, [document_id])
                return DocumentStatus(row, heads.get(document_id))
        raise NotFound(f"there is no document {document_id}")

    async def text(
        self, scope: AuthorScope, document_id: str, chunk_index: int | None = None
    ) -> DocumentText:
        """The text of one of the author's documents, and where one of its chunks stands in it.

        Raises:
            NotFound: the index has no such document of the author.
            NotReady, ServerUnavailable: as `page`.
        """
        head = await self._payload(scope, DOCUMENTS, document_id)
        if head is not None and head["duplicate_of"]:  # its text is kept once
            head = await self._payload(scope, DOCUMENTS, head["duplicate_of"])
        if head is None:
            raise NotFound(f"there is no searchable document {document_id}")
        passage = None
        if chunk_index is not None:
            found = await self._payload(scope, CHUNKS, point_id(document_id, chunk_index))
            if found is not None and found["version"] == head["version"]:
                passage = (found["start"], found["start"] + len(found["text"]))
        return DocumentText(head["title"], head["url"], head["version"], head["text"], passage)

    async def _payload(self, scope: AuthorScope, collection: str, point: str) -> dict[str, Any] | None:
        points = await answered(self._index.retrieve(collection, [point], with_payload=True), collection)
        payloads = (point.payload or {} for point in points)
        return next((payload for payload in payloads if payload["author_id"] == scope.author_id), None)

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
