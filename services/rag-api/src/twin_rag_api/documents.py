"""An author's documents with how the index stands to each."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from qdrant_client import AsyncQdrantClient

from twin_common.documents import DocumentState, HeadSummary, RawDocument, document_state
from twin_common.vector_index import DOCUMENTS
from twin_common.warehouse.documents import COLLECTIONS
from twin_rag_api.auth import AuthorScope
from twin_rag_api.errors import InvalidRequest, NotFound
from twin_rag_api.index import answered

_ENTRY_FIELDS = [field for field in RawDocument.model_fields if field not in ("text", "metadata")]
_NEWEST_FIRST = [("stored_at", -1), ("_id", 1)]
_FIRST_SPAN = timedelta(seconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
class Place:
    """Between two documents of the list: behind the one that was stored then and has this id."""

    stored_at: datetime
    document_id: str

    @classmethod
    def parse(cls, text: str) -> "Place":
        """Read what `str` wrote.

        Raises:
            InvalidRequest: it is something else.
        """
        try:
            millis, _, document_id = text.partition(".")
            stored_at = datetime.fromtimestamp(int(millis) / 1000, UTC)
            return cls(stored_at, str(UUID(document_id)))
        except (ValueError, OverflowError, OSError) as error:
            raise InvalidRequest("after", "take it from `next` of the page before") from error

    def __str__(self) -> str:
        return f"{round(self.stored_at.timestamp() * 1000)}.{self.document_id}"


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
            rows += await _rows_behind(collection, scope, place, limit)
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

    async def _heads(self, scope: AuthorScope, ids: list[str]) -> dict[str, HeadSummary]:
        if not ids:
            return {}
        fields = list(HeadSummary.model_fields)
        points = await answered(self._index.retrieve(DOCUMENTS, ids, with_payload=fields), DOCUMENTS)
        heads = [HeadSummary.model_validate(point.payload) for point in points]
        return {head.document_id: head for head in heads if head.author_id == scope.author_id}


async def _rows_behind(
    collection: AsyncCollection[dict[str, Any]], scope: AuthorScope, place: Place, limit: int
) -> list[dict[str, Any]]:
    """Rows in a span of time that grows until it holds enough of them.

    Two ends let every server use its index; without a lower one the small local server reads all rows.
    """
    oldest, newest = place.stored_at, place.stored_at
    span = _FIRST_SPAN
    behind = [{"stored_at": {"$lt": newest}}, {"stored_at": newest, "_id": {"$gt": place.document_id}}]
    while True:
        oldest = max(_EPOCH, newest - span)
        condition = {
            "author_id": scope.author_id,
            "stored_at": {"$gte": oldest, "$lte": newest},
            "$or": behind,
        }
        found = collection.find(condition, dict.fromkeys(_ENTRY_FIELDS, 1)).sort(_NEWEST_FIRST)
        rows = await found.limit(limit).to_list()
        if len(rows) == limit or oldest == _EPOCH:
            return rows
        span *= 16


def _newest_first(row: dict[str, Any]) -> tuple[float, str]:
    stored: datetime = row["stored_at"]
    return (-stored.timestamp(), row["_id"])
