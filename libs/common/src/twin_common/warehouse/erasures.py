"""What its owner had erased: everything the warehouse holds of it, and a mark that keeps it from coming back.

A writer looks for marks before it writes and once more behind it. So either the writer sees the mark, or its
write is there when the erasure, which marks first, begins to delete.
"""

from collections.abc import Iterable
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from twin_common.clock import utc_now
from twin_common.errors import TwinError
from twin_common.identity import AuthorId
from twin_common.warehouse.document_rows import COLLECTIONS

_KEYS = "api_keys"
"""Deleted last: until then whoever erases through the API may ask again."""


class AuthorErased(TwinError):
    """Nothing may be stored for this author until somebody registers the author anew."""


class Erasures:
    """The collection `erased`, and deleting from all others. Repeating anything here is harmless."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._database = database
        self._marks = database["erased"]

    async def erase_author(self, author_id: AuthorId) -> dict[str, int]:
        """Delete every row that says it is this author's; how many in each collection.

        Raises:
            PyMongoError: the warehouse does not answer; what is left is deleted by the next attempt.
        """
        await self._mark(_author_mark(author_id))
        counts: dict[str, int] = {}
        names = await self._database.list_collection_names()
        for name in sorted(names, key=lambda name: (name == _KEYS, name)):
            mine = {"_id": author_id} if name == "authors" else {"author_id": author_id}
            if name != self._marks.name and (count := await self._delete(name, mine)):
                counts[name] = count
        return counts

    async def erase_document(self, document_id: str) -> dict[str, int]:
        """Delete one document, its version, what is remembered of its pages, and answers that read it."""
        await self._mark(document_id)
        counts: dict[str, int] = {}
        for name in (*COLLECTIONS.values(), "deleted_versions"):
            if count := await self._delete(name, {"_id": document_id}):
                counts[name] = count
        if count := await self._delete("crawl_state", {"document_id": document_id}):
            counts["crawl_state"] = count
        if count := await self._delete("traces", {"sources.document_id": document_id}):
            counts["traces"] = count
        return counts

    async def admit(self, author_id: AuthorId) -> None:
        """The author registered anew: their documents may come again, but for those erased one by one."""
        await self._marks.delete_one({"_id": _author_mark(author_id)})

    async def is_erased(self, author_id: str) -> bool:
        """Whether nothing may be stored for this author."""
        return await self._marks.find_one({"_id": _author_mark(author_id)}) is not None

    async def among(self, author_ids: Iterable[str], document_ids: Iterable[str]) -> set[str]:
        """Those of the documents that were erased one by one.

        Raises:
            AuthorErased: one of the authors was.
        """
        authors = {_author_mark(author_id): author_id for author_id in author_ids}
        found = {
            str(row["_id"])
            async for row in self._marks.find({"_id": {"$in": [*authors, *document_ids]}}, {"_id": 1})
        }
        for mark in authors.keys() & found:
            raise AuthorErased(
                f"the author {authors[mark]} was erased: register them anew with 'twin author add FILE.yaml'"
            )
        return found

    async def _mark(self, mark: str) -> None:
        await self._marks.update_one({"_id": mark}, {"$setOnInsert": {"erased_at": utc_now()}}, upsert=True)

    async def _delete(self, collection: str, condition: dict[str, Any]) -> int:
        return (await self._database[collection].delete_many(condition)).deleted_count


def _author_mark(author_id: str) -> str:
    return f"author:{author_id}"
