"""The loop of the service: publish every change at least once; a crash may repeat some, never skip one."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime

import structlog

from twin_cdc import metrics
from twin_cdc.back_fill import BackFill
from twin_cdc.change_feed import Batch, ChangeFeed
from twin_cdc.mapping import Change, ResumeToken, to_messages, traceparent_of
from twin_cdc.publisher import Publisher
from twin_cdc.resume_tokens import Position, ResumeTokenLost, ResumeTokenStore
from twin_cdc.server_clock import ServerClock
from twin_common.clock import utc_now
from twin_common.events import Message
from twin_common.telemetry import current_traceparent, span

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class RelayPolicy:
    """How much travels inline, and how often the token of a quiet stream is saved."""

    inline_limit_bytes: int
    quiet_save_seconds: float


class Relay:
    """Moves changes from the warehouse to Kafka; one at a time works on a warehouse."""

    def __init__(
        self,
        feed: ChangeFeed,
        back_fill: BackFill,
        publisher: Publisher,
        tokens: ResumeTokenStore,
        *,
        policy: RelayPolicy,
        clock: ServerClock,
    ) -> None:
        self._feed = feed
        self._back_fill = back_fill
        self._publisher = publisher
        self._tokens = tokens
        self._policy = policy
        self._clock = clock

    async def run(self, stop: asyncio.Event, on_streaming: Callable[[], None]) -> None:
        """Relay until `stop` is set, and save the last token.

        Args:
            stop: set it to end cleanly.
            on_streaming: called when the back-fill is done and changes flow.

        Raises:
            LeaseLost: another copy relays now.
            KafkaException, PyMongoError: a server failed; the next start repeats what was not confirmed.
        """
        while not stop.is_set():
            try:
                position = await self._tokens.load()
                if position is None or not position.back_filled:
                    position = await self._fill(position, stop)
                if position.back_filled:
                    on_streaming()
                    await self._stream(position.resume_token, stop)
            except ResumeTokenLost as error:
                metrics.TOKENS_LOST.inc()
                log.error(  # noqa: TRY400  # expected and handled: the sentence says more than a traceback
                    "the resume token is lost: publishing everything anew, known deletions included; "
                    "reconciling finds the rest",
                    error=str(error),
                )
                await self._tokens.clear()

    async def _fill(self, noted: Position | None, stop: asyncio.Event) -> Position:
        """Publish all that exists; the position was noted before the first read. A stop leaves it undone."""
        if noted is None:
            noted = Position(await self._feed.note_position(), back_filled=False)
            await self._tokens.save(noted)
        metrics.BACK_FILLS.inc()
        metrics.BACK_FILL_EXPECTED.set(await self._back_fill.expected())
        published = 0
        log.info("back-fill started")
        async with aclosing(self._back_fill.deletions()) as deletions:
            async for changes in deletions:
                await self._publish(changes)
        async with aclosing(self._back_fill.documents()) as documents:
            async for changes in documents:
                if stop.is_set():
                    return noted
                await self._publish(changes)
                published += len(changes)
                metrics.BACK_FILL_DONE.set(published)
        done = Position(noted.resume_token, back_filled=True)
        await self._tokens.save(done)
        log.info("back-fill finished", documents=published)
        return done

    async def _stream(self, resume_after: ResumeToken, stop: asyncio.Event) -> None:
        """Publish batch after batch, each before its token is saved; a quiet stream's token now and then."""
        unsaved: ResumeToken | None = None
        saved_at = time.monotonic()
        async with aclosing(self._feed.batches(resume_after, stop)) as batches:
            async for batch in batches:
                await self._publish_batch(batch)
                unsaved = batch.resume_token
                # Saving is itself a write that moves the token: without this a quiet stream would never rest.
                if batch.changes or time.monotonic() - saved_at >= self._policy.quiet_save_seconds:
                    await self._tokens.save(Position(batch.resume_token, back_filled=True))
                    unsaved, saved_at = None, time.monotonic()
        if unsaved is not None:
            await self._tokens.save(Position(unsaved, back_filled=True))

    async def _publish_batch(self, batch: Batch) -> None:
        metrics.PENDING.set(len(batch.changes) + batch.read_ahead)
        oldest = batch.changes[0].written_at if batch.changes else None
        if oldest is not None:
            metrics.BEHIND.set_function(lambda: self._age(oldest))
        await self._publish(batch.changes)
        metrics.PENDING.set(batch.read_ahead)
        metrics.BEHIND.set_function(lambda: 0.0)

    def _age(self, written_at: datetime) -> float:
        return (self._clock.now() - written_at).total_seconds()

    async def _publish(self, changes: Sequence[Change]) -> None:
        captured_at = utc_now()
        messages: list[Message] = []
        for change in changes:
            with span("capture document", traceparent_of(change), document_id=change.document_id):
                messages += to_messages(
                    change, captured_at, self._policy.inline_limit_bytes, current_traceparent()
                )
        await self._publisher.publish(messages)
        metrics.count(changes, self._clock)
