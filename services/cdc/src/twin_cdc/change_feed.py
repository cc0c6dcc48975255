"""The warehouse's change stream as batches, each with the token that resumes behind it."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import structlog
from pymongo.asynchronous.change_stream import AsyncChangeStream
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure, ProtocolError

from twin_cdc.mapping import Change, ResumeToken, join_fragments, to_change
from twin_cdc.resume_tokens import ResumeTokenLost
from twin_common.warehouse.document_rows import CATEGORIES

log = structlog.get_logger(__name__)

_LOST_TOKEN_CODES = frozenset({9, 14, 260, 280, 286, 40414, 40415, 40647, 40649, 50795, 50811})
"""InvalidResumeToken, ChangeStreamFatalError, ChangeStreamHistoryLost, and the ways in which servers say that
a request cannot be parsed: in ours nothing but the token varies."""
_UNKNOWN_STAGE_CODE = 40324

_AWAIT_MS = 500
_LEFT_ALONE_SECONDS = 5.0
"""A cursor that was not asked for this long may have been overtaken by the end of the log, which SecantusDB
passes over in silence. A token off the log it refuses as MongoDB does: so the stream is opened anew."""

_WRITES = ("insert", "replace", "update", "delete")
_ENDINGS = ("drop", "rename")
"""What becomes of a whole collection: it says nothing of the documents in it."""


@dataclass(frozen=True)
class Batch:
    """Changes in order, and the token behind the last of them; an empty batch only moves the token."""

    changes: list[Change]
    resume_token: ResumeToken
    read_ahead: int = 0
    """How many more steps had been read by then."""


_Step = tuple[Change | None, ResumeToken]
"""A change, or None where only the token moved on."""
_Read = asyncio.Queue[_Step]


class ChangeFeed:
    """What happens in the warehouse's document collections."""

    def __init__(
        self,
        database: AsyncDatabase[dict[str, Any]],
        batch_size: int,
        left_alone_seconds: float = _LEFT_ALONE_SECONDS,
    ) -> None:
        self._database = database
        self._batch_size = batch_size
        self._left_alone_seconds = left_alone_seconds
        self._events_a_reply = batch_size
        self._splits_large_events = True

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
        first = asyncio.create_task(read.get(), name="first of a batch")
        try:
            while not stop.is_set():
                await asyncio.wait({first, reader, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if first.done():
                    batch = self._batch_from(first.result(), read)
                    first = asyncio.create_task(read.get(), name="first of a batch")
                    yield batch
                elif reader.done():
                    reader.result()
        finally:
            for task in (reader, stopping, first):
                task.cancel()
            await asyncio.gather(reader, stopping, first, return_exceptions=True)

    def _batch_from(self, first: _Step, read: _Read) -> Batch:
        """A batch of what has been read by now."""
        change, token = first
        changes = [change] if change else []
        while len(changes) < self._batch_size and not read.empty():
            change, token = read.get_nowait()
            if change:
                changes.append(change)
        return Batch(changes, token, read.qsize())

    async def _read(self, resume_after: ResumeToken, read: _Read) -> None:
        known = resume_after
        while True:
            try:
                async with aclosing(self._steps_until_left_alone(known)) as steps:
                    async for change, known in steps:
                        await read.put((change, known))
            except OperationFailure as error:
                if error.code in _LOST_TOKEN_CODES:
                    raise ResumeTokenLost(f"the warehouse cannot resume: {error.details or error}") from error
                raise
            except ProtocolError:
                # MongoDB ends a reply at 16 MB; SecantusDB only counts, and the driver refuses over 48 MB.
                if self._events_a_reply == 1:
                    raise
                self._events_a_reply = max(1, self._events_a_reply // 4)
                log.warning("large events: asking for fewer at once", events=self._events_a_reply)

    async def _steps_until_left_alone(self, known: ResumeToken) -> AsyncGenerator[_Step]:
        """The steps behind a token; ends where the stream is to be opened anew, since it was not asked."""
        async with await self._watch(known) as stream:
            fragments: list[Mapping[str, Any]] = []
            while True:
                asked_at = time.monotonic()
                fragment = await stream.try_next()
                token = dict(stream.resume_token or known)
                if fragment is not None:
                    fragments.append(fragment)
                    if not _is_last_fragment(fragment):
                        continue
                    event = join_fragments(fragments)
                    fragments = []
                    _refuse_endings(event)
                    yield to_change(event), token
                elif token != known:
                    yield None, token
                known = token
                if time.monotonic() - asked_at > self._left_alone_seconds:
                    return

    async def _watch(self, resume_after: ResumeToken | None) -> AsyncChangeStream[dict[str, Any]]:
        # The whole database: a watch on one collection can die of an unrelated change to its indexes.
        names = list(CATEGORIES)
        writes = {"ns.coll": {"$in": names}, "operationType": {"$in": list(_WRITES)}}
        endings = {
            "$or": [{"ns.coll": {"$in": names}}, {"to.coll": {"$in": names}}],
            "operationType": {"$in": list(_ENDINGS)},
        }
        pipeline: list[dict[str, Any]] = [
            {"$match": {"$or": [writes, endings, {"operationType": "invalidate"}]}}
        ]
        if self._splits_large_events:
            pipeline.append({"$changeStreamSplitLargeEvent": {}})
        try:
            return await self._database.watch(
                pipeline,
                full_document="updateLookup",
                resume_after=resume_after,
                max_await_time_ms=_AWAIT_MS,
                batch_size=self._events_a_reply,
            )
        except OperationFailure as error:
            if error.code != _UNKNOWN_STAGE_CODE or not self._splits_large_events:
                raise
        log.warning("this warehouse splits no large events: one over 16 MB would stop the stream")
        self._splits_large_events = False
        return await self._watch(resume_after)


def _is_last_fragment(event: Mapping[str, Any]) -> bool:
    split = event.get("splitEvent")
    return split is None or split["fragment"] == split["of"]


def _refuse_endings(event: Mapping[str, Any]) -> None:
    """Raise ResumeTokenLost where the stream cannot tell what became of the documents."""
    operation = event["operationType"]
    if operation not in _WRITES:
        name = event.get("ns", {}).get("coll", "the whole database")
        raise ResumeTokenLost(f"{operation} of {name}: the stream does not say which documents that took")
