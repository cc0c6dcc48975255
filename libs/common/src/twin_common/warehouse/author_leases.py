"""Which process works on an author now, so that two never do: the collection `author_leases`.

No clock is compared with another: a holder counts up while it lives, and who waits watches the count.
"""

from dataclasses import dataclass
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from twin_common.identity import AuthorId


@dataclass(frozen=True)
class Lease:
    """Who held an author when last looked at, and how often it had said that it lives."""

    holder: str
    beat: int


class AuthorLeases:
    """At most one holder an author; every step is one write that the server decides."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._collection = database["author_leases"]

    async def holder(self, author_id: AuthorId) -> Lease | None:
        """The lease as it stands, or None."""
        row = await self._collection.find_one({"_id": author_id})
        return Lease(row["holder"], row["beat"]) if row else None

    async def take(self, author_id: AuthorId, holder: str, seen: Lease | None) -> bool:
        """Take a free lease (`seen` is None), or one that has not moved since. False: too late."""
        if seen is not None:
            match = {"_id": author_id, "holder": seen.holder, "beat": seen.beat}
            change = {"$set": {"holder": holder}, "$inc": {"beat": 1}}
            result = await self._collection.update_one(match, change)
            return result.modified_count == 1
        try:
            await self._collection.insert_one({"_id": author_id, "holder": holder, "beat": 0})
        except DuplicateKeyError:
            return False
        return True

    async def renew(self, author_id: AuthorId, holder: str) -> bool:
        """Say that the holder lives. False: another one took the lease."""
        match = {"_id": author_id, "holder": holder}
        result = await self._collection.update_one(match, {"$inc": {"beat": 1}})
        return result.matched_count == 1

    async def release(self, author_id: AuthorId, holder: str) -> None:
        """Let go, if it is still held."""
        await self._collection.delete_one({"_id": author_id, "holder": holder})
