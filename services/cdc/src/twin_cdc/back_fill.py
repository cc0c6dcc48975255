"""All that the warehouse holds now, and all that it remembers having removed, as changes."""

from collections.abc import AsyncGenerator, Iterable
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from twin_cdc.mapping import Change, Delete, Upsert
from twin_common.warehouse.document_rows import CATEGORIES

_ROWS_A_READ = 200
_DELETIONS_A_BATCH = 1000


class BackFill:
    """What a reader of the topic must hear when the stream cannot tell it from the beginning."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]], batch_size: int) -> None:
        self._database = database
        self._batch_size = batch_size

    async def expected(self) -> int:
        """About how many documents there are."""
        return sum([await self._database[name].estimated_document_count() for name in CATEGORIES])

    async def deletions(self) -> AsyncGenerator[list[Change]]:
        """The documents that were removed and did not come back, each with its last version.

        To be published before `documents`: a document that comes back meanwhile is then told of after its
        deletion and its tombstone.
        """
        batch: dict[str, int] = {}
        async for row in self._database["deleted_versions"].find({}, {"version": 1}):
            batch[str(row["_id"])] = row["version"]
            if len(batch) >= _DELETIONS_A_BATCH:
                yield await self._still_gone(batch)
                batch = {}
        if batch:
            yield await self._still_gone(batch)

    async def documents(self) -> AsyncGenerator[list[Change]]:
        """Every document there is, in batches."""
        for collection, category in CATEGORIES.items():
            batch: list[Change] = []
            async for row in self._database[collection].find(batch_size=_ROWS_A_READ):
                batch.append(Upsert(str(row["_id"]), category, row))
                if len(batch) >= self._batch_size:
                    yield batch
                    batch = []
            if batch:
                yield batch

    async def _still_gone(self, versions: dict[str, int]) -> list[Change]:
        stored = await self._stored(versions)
        return [Delete(key, version) for key, version in versions.items() if key not in stored]

    async def _stored(self, ids: Iterable[str]) -> set[str]:
        query = {"_id": {"$in": list(ids)}}
        return {
            str(row["_id"])
            for name in CATEGORIES
            async for row in self._database[name].find(query, {"_id": 1})
        }
