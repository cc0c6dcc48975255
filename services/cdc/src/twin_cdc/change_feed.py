"""The warehouse's change stream as batches, each with the token that resumes behind it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from pymongo.asynchronous.change_stream import AsyncChangeStream
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure

from twin_cdc.mapping import Change, ResumeToken, Upsert, to_change
from twin_common.errors import TwinError
from twin_common.warehouse.documents import CATEGORIES

log = structlog.get_logger(__name__)

_LOST_TOKEN_CODES = frozenset({9, 260, 280, 286, 50795, 50811})
"""FailedToParse (nothing but the token varies), InvalidResumeToken, ChangeStreamFatalError,
ChangeStreamHistoryLost, and two ways in which MongoDB says that a token's bytes make no sense."""

_AWAIT_MS = 500
_COPY_ROWS = 200


class ResumeTokenLost(TwinError):
    """The warehouse no longer knows the position that we would resume from."""


@dataclass(frozen=True)
class Batch:
    """Changes in order, and the token behind the last of them; an empty batch only moves the token."""

    changes: list[Change]
    resume_token: ResumeToken


_Step = tuple[Change | None, ResumeToken]
"""A change, or None where only the token moved on."""
_Read = asyncio.Queue[_Step]


class ChangeFeed:
    """What happens in the warehouse's document collections."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]], batch_size: int) -> None:
        self._database = database
        self._batch_size = batch_size

    async def note_position(self) -> ResumeToken:
        """The token of this moment: resuming after it misses nothing that happens from now on.

        Raises:
            ResumeTokenLost: the server gives no token for an idle stream.
        """
        async with await self._watch(None) as stream:
            await stream.try_next()
            token = stream.resume_token
        if token is None:
            raise ResumeTokenLost("the warehouse gave no resume token to start from")
        return dict(token)

    async def snapshot(self) -> AsyncIterator[list[Change]]:
        """Every document there is, in batches; used once, before the stream is followed."""
        for collection, category in CATEGORIES.items():
            batch: list[Change] = []
            async for row in self._database[collection].find(batch_size=_COPY_ROWS):
                batch.append(Upsert(str(row["_id"]), category, row))
                if len(batch) >= self._batch_size:
                    yield batch
                    batch = []
            if batch:
                yield batch

    async def batches(self, resume_after: ResumeToken, stop: asyncio.Event) -> AsyncGenerator[Batch]:
        """Follow the stream behind a token until `stop` is set.

        The stream is read ahead while earlier batches are being published; whatever has arrived by then
        makes the next batch, so batches are small when it is quiet and full when it is not.

        Raises:
            ResumeTokenLost: the token is unknown or has fallen off the log.
            PyMongoError: the warehouse does not answer.
        """
        read = _Read(2 * self._batch_size)
        reader = asyncio.create_task(self._read(resume_after, read), name="change-stream")
        stopping = asyncio.create_task(stop.wait(), name="stop")
        try:
            while not stop.is_set():
                first = asyncio.create_task(read.get())
                await asyncio.wait({first, reader, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if first.done():
                    yield self._batch_from(first.result(), read)
                else:
                    first.cancel()
                    if reader.done():
                        reader.result()
        finally:
            reader.cancel()
            stopping.cancel()
            await asyncio.gather(reader, stopping, return_exceptions=True)

    def _batch_from(self, first: _Step, read: _Read) -> Batch:
        """A batch of what has been read by now."""
        change, token = first
        changes = [change] if change else []
        while len(changes) < self._batch_size and not read.empty():
            change, token = read.get_nowait()
            if change:
                changes.append(change)
        return Batch(changes, token)

    async def _read(self, resume_after: ResumeToken, read: _Read) -> None:
        known: Mapping[str, Any] = resume_after
        try:
            async with await self._watch(resume_after) as stream:
                while True:
                    event = await stream.try_next()
                    token = stream.resume_token or known
                    if event is None and token == known:
                        continue
                    known = dict(token)
                    if event is not None and event["operationType"] == "invalidate":
                        raise ResumeTokenLost("the warehouse's database was dropped")
                    await read.put((to_change(event) if event else None, known))
        except OperationFailure as error:
            if error.code in _LOST_TOKEN_CODES:
                raise ResumeTokenLost(f"the warehouse cannot resume: {error.details or error}") from error
            raise

    async def _watch(self, resume_after: ResumeToken | None) -> AsyncChangeStream[dict[str, Any]]:
        # The whole database: a watch on one collection can die of an unrelated change to its indexes.
        ours = {
            "ns.coll": {"$in": list(CATEGORIES)},
            "operationType": {"$in": ["insert", "replace", "update", "delete"]},
        }
        return await self._database.watch(
            [{"$match": {"$or": [ours, {"operationType": "invalidate"}]}}],
            full_document="updateLookup",
            resume_after=resume_after,
            max_await_time_ms=_AWAIT_MS,
            batch_size=self._batch_size,
        )
