"""Traces in the warehouse: the collection `traces`, which forgets them when they are old."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pymongo.asynchronous.database import AsyncDatabase

from twin_common.events import Rating
from twin_common.warehouse import FeedbackRecords
from twin_common.warehouse.erasures import Erasures
from twin_rag_api.auth import AuthorScope
from twin_rag_api.errors import NotFound
from twin_rag_api.generation.answer import Outcome
from twin_rag_api.paging import Place, rows_behind
from twin_rag_api.traces.trace import Trace

_DAY_SECONDS = 24 * 3600


@dataclass(frozen=True)
class TraceFilters:
    """Which traces are shown; None leaves a property open."""

    outcome: Outcome | None = None
    model: str | None = None
    rating: Rating | None = None
    """Of feedback that was given on the answer."""
    text: str | None = None
    """In the question or the answer, whatever the case."""
    since: datetime | None = None
    until: datetime | None = None
    """Strictly earlier than this moment."""


class TraceSink(Protocol):
    """Where finished traces go."""

    async def put_many(self, traces: Sequence[Trace]) -> None:
        """Keep them; those of erased authors are left out."""


class TraceStore:
    """The collection `traces`."""

    def __init__(
        self, database: AsyncDatabase[dict[str, Any]], feedback: FeedbackRecords, retention_days: int
    ) -> None:
        self._collection = database["traces"]
        self._feedback = feedback
        self._erasures = Erasures(database)
        self._retention_seconds = retention_days * _DAY_SECONDS

    async def create_indexes(self) -> None:
        """A changed retention holds for what is there, too."""
        await self._collection.create_index([("author_id", 1), ("asked_at", -1)])
        name = "asked_at_1"
        known = await self._collection.index_information()
        if name in known and known[name].get("expireAfterSeconds") != self._retention_seconds:
            await self._collection.drop_index(name)
        await self._collection.create_index("asked_at", name=name, expireAfterSeconds=self._retention_seconds)

    async def put_many(self, traces: Sequence[Trace]) -> None:
        authors = {trace.author_id for trace in traces}
        erased = {author for author in authors if await self._erasures.is_erased(author)}
        rows = [
            trace.model_dump(mode="python") | {"_id": trace.trace_id, "outcome": trace.outcome.value}
            for trace in traces
            if trace.author_id not in erased
        ]
        if rows:
            await self._collection.insert_many(rows, ordered=False)
        for author in authors - erased:
            if await self._erasures.is_erased(author):  # while these were being written
                await self._collection.delete_many({"author_id": author})

    async def page(
        self, scope: AuthorScope, filters: TraceFilters, place: Place | None, limit: int
    ) -> list[Trace]:
        """The author's traces behind a place, newest first."""
        condition = await self._condition(scope, filters)
        start = place or Place.start()
        if filters.until is not None and filters.until < start.at:
            start = Place(filters.until, "~")  # behind every id of that moment
        rows = await rows_behind(
            self._collection, condition, "asked_at", start, limit=limit, oldest=filters.since
        )
        return [Trace.model_validate(row) for row in rows]

    async def one(self, scope: AuthorScope, trace_id: str) -> Trace:
        """One of the author's traces.

        Raises:
            NotFound: the author has none of this id, or it was forgotten.
        """
        row = await self._collection.find_one({"_id": trace_id, "author_id": scope.author_id})
        if row is None:
            raise NotFound(f"there is no trace {trace_id[:100]}")
        return Trace.model_validate(row)

    async def _condition(self, scope: AuthorScope, filters: TraceFilters) -> dict[str, Any]:
        condition: dict[str, Any] = {"author_id": scope.author_id}
        if filters.outcome is not None:
            condition["outcome"] = filters.outcome.value
        if filters.model is not None:
            condition["model"] = filters.model
        if filters.rating is not None:
            rated = await self._feedback.rated(scope.author_id, filters.rating)
            condition["_id"] = {"$in": rated}
        if filters.text:
            wanted = {"$regex": re.escape(filters.text), "$options": "i"}
            condition["$and"] = [{"$or": [{"question": wanted}, {"answer": wanted}]}]
        return condition
