"""The loop of the service: publish every change at least once; a crash may repeat some, never skip one."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import structlog

from twin_cdc import metrics
from twin_cdc.change_feed import Batch, ChangeFeed, ResumeTokenLost
from twin_cdc.mapping import Change, ResumeToken, to_messages, traceparent_of
from twin_cdc.publisher import Publisher
from twin_cdc.resume_tokens import Position, ResumeTokenStore
from twin_common.clock import utc_now
from twin_common.events import Message
from twin_common.telemetry import current_traceparent, span

log = structlog.get_logger(__name__)


_OnTheirWay = asyncio.Queue[tuple[Batch, Awaitable[None]] | None]
"""Batches in order with their confirmations; None ends them."""


@dataclass(frozen=True)
class RelayPolicy:
    """How much travels inline, and how much may be on its way."""

    inline_limit_bytes: int
    batches_in_flight: int


class Relay:
    """Moves changes from the warehouse to Kafka; one at a time works on a warehouse."""

    def __init__(
        self, feed: ChangeFeed, publisher: Publisher, tokens: ResumeTokenStore, policy: RelayPolicy
    ) -> None:
        self._feed = feed
        self._publisher = publisher
        self._tokens = tokens
        self._policy = policy

    async def run(self, stop: asyncio.Event, on_streaming: Callable[[], None]) -> None:
        """Relay until `stop` is set, then wait for what is on its way and save the last token.

        Args:
            stop: set it to end cleanly.
            on_streaming: called when the back-fill is done and changes flow.
        """
        while not stop.is_set():
            try:
                position = await self._back_filled(await self._tokens.load())
                on_streaming()
                await self._stream(position.resume_token, stop)
            except ResumeTokenLost as error:
                metrics.TOKENS_LOST.inc()
                log.error(  # noqa: TRY400  # expected and handled: the sentence says more than a traceback
                    "the resume token is lost: filling in again; deletions are found by reconciling",
                    error=str(error),
                )
                await self._tokens.clear()

    async def _back_filled(self, position: Position | None) -> Position:
        """Publish all that exists, unless that is done; the position was noted before the first read."""
        if position is not None and position.back_filled:
            return position
        if position is None:
            position = Position(await self._feed.note_position(), back_filled=False)
            await self._tokens.save(position)
        count = 0
        log.info("back-fill started")
        async for changes in self._feed.snapshot():
            await (await self._send(changes))
            count += len(changes)
            log.info("back-fill", documents=count)
        position = Position(position.resume_token, back_filled=True)
        await self._tokens.save(position)
        log.info("back-fill finished", documents=count)
        return position

    async def _stream(self, resume_after: ResumeToken, stop: asyncio.Event) -> None:
        on_their_way = _OnTheirWay(self._policy.batches_in_flight)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._publish(resume_after, on_their_way, stop), name="publish")
                both.create_task(self._confirm(on_their_way), name="confirm")
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from failures

    async def _publish(
        self, resume_after: ResumeToken, on_their_way: _OnTheirWay, stop: asyncio.Event
    ) -> None:
        """Hand batches to Kafka without waiting for their confirmation, as many as the policy allows."""
        async with aclosing(self._feed.batches(resume_after, stop)) as batches:
            async for batch in batches:
                await on_their_way.put((batch, await self._send(batch.changes)))
        await on_their_way.put(None)

    async def _confirm(self, on_their_way: _OnTheirWay) -> None:
        """Save the token of each batch once Kafka has it and all before it."""
        while (entry := await on_their_way.get()) is not None:
            batch, confirmed = entry
            await confirmed
            await self._tokens.save(Position(batch.resume_token, back_filled=True))

    async def _send(self, changes: Sequence[Change]) -> Awaitable[None]:
        captured_at = utc_now()
        messages: list[Message] = []
        for change in changes:
            with span("capture document", traceparent_of(change), document_id=change.document_id):
                messages += to_messages(
                    change, captured_at, self._policy.inline_limit_bytes, current_traceparent()
                )
        metrics.count(changes, captured_at)
        return await self._publisher.send(messages)
