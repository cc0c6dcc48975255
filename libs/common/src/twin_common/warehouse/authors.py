"""The authors whose twins live here."""

from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from twin_common.authors import Author
from twin_common.errors import UnknownAuthor
from twin_common.identity import AuthorId
from twin_common.warehouse.erasures import Erasures


class Authors:
    """The collection `authors`."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._collection = database["authors"]
        self._erasures = Erasures(database)

    async def put(self, author: Author) -> None:
        """Register an author, or replace what was registered; an author who was erased may come back."""
        await self._erasures.admit(author.author_id)
        row = author.model_dump(mode="json", exclude={"author_id"})
        await self._collection.replace_one({"_id": author.author_id}, row, upsert=True)

    async def get(self, author_id: AuthorId) -> Author:
        """The author's registration.

        Raises:
            UnknownAuthor: nobody registered this id.
        """
        row = await self._collection.find_one({"_id": author_id})
        if row is None:
            raise UnknownAuthor(f"no author {author_id!r} is registered; add one with: twin author add FILE")
        return _from_row(row)

    async def all(self) -> list[Author]:
        """Every registered author, by id."""
        rows = await self._collection.find().to_list()
        return sorted(map(_from_row, rows), key=lambda author: author.author_id)


def _from_row(row: dict[str, Any]) -> Author:
    return Author.model_validate({**row, "author_id": row["_id"]})
