"""A crash at every boundary between two steps, and then a reader of the topic has what the warehouse has."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import pytest

from services.cdc.tests.conftest import DraftMaker
from twin_cdc.back_fill import BackFill
from twin_cdc.change_feed import Batch, ChangeFeed
from twin_cdc.fakes import ModelReader
from twin_cdc.lease import Lease, LeaseLost
from twin_cdc.mapping import Change, ResumeToken
from twin_cdc.relay import Relay, RelayPolicy
from twin_cdc.resume_tokens import Position, WarehouseTokenStore
from twin_cdc.server_clock import ServerClock
from twin_common.documents import Category
from twin_common.events import Message
from twin_common.warehouse import Warehouse

BACK_FILL_STEPS = (
    "a position was noted",
    "a deletion of the back-fill was read",
    "a batch of the back-fill was read",
    "messages were handed over",
    "messages were confirmed",
    "a position was saved",
    "the back-fill ended",
)
STREAM_STEPS = (
    "a batch was read",
    "messages were handed over",
    "messages were confirmed",
    "a position was saved",
)
PASSAGES = (1, 3)
"""At which passage of the step it crashes; some steps are passed once in a life only."""


class Crash(BaseException):
    """The process is gone: no handler of the service may see it."""


@dataclass
class Failpoint:
    """Crashes when a step is passed for the nth time; the steps are those of the relay's neighbours."""

    step: str
    countdown: int
    crashed: bool = False

    def passed(self, step: str) -> None:
        if step == self.step:
            self.countdown -= 1
            if self.countdown == 0:
                self.crashed = True
                raise Crash(step)


class Feed(ChangeFeed):
    def __init__(self, warehouse: Warehouse, failpoint: Failpoint) -> None:
        super().__init__(warehouse.database, batch_size=5)
        self._failpoint = failpoint

    async def note_position(self) -> ResumeToken:
        token = await super().note_position()
        self._failpoint.passed("a position was noted")
        return token

    async def batches(self, resume_after: ResumeToken, stop: asyncio.Event) -> AsyncGenerator[Batch]:
        async for batch in super().batches(resume_after, stop):
            if batch.changes:
                self._failpoint.passed("a batch was read")
            yield batch


class Copying(BackFill):
    def __init__(self, warehouse: Warehouse, failpoint: Failpoint) -> None:
        super().__init__(warehouse.database, batch_size=5)
        self._failpoint = failpoint

    async def documents(self) -> AsyncGenerator[list[Change]]:
        async for changes in super().documents():
            self._failpoint.passed("a batch of the back-fill was read")
            yield changes
        self._failpoint.passed("the back-fill ended")

    async def deletions(self) -> AsyncGenerator[list[Change]]:
        async for changes in super().deletions():
            self._failpoint.passed("a deletion of the back-fill was read")
            yield changes


class Topic:
    """A publisher whose topic outlives every crash, and the reader of that topic."""

    def __init__(self) -> None:
        self.failpoint = Failpoint("none", 0)
        self.reader = ModelReader()
        self._unread: list[Message] = []

    async def publish(self, messages: Sequence[Message]) -> None:
        if messages:
            self.failpoint.passed("messages were handed over")
            self._unread += messages
            self.failpoint.passed("messages were confirmed")

    async def equals(self, warehouse: Warehouse) -> bool:
        for message in self._unread:
            self.reader.read(message)
        self._unread.clear()
        return not await self.reader.differences(warehouse)


class Tokens(WarehouseTokenStore):
    failpoint = Failpoint("none", 0)

    async def save(self, position: Position) -> None:
        await super().save(position)
        self.failpoint.passed("a position was saved")


async def live(warehouse: Warehouse, topic: Topic, failpoint: Failpoint) -> None:
    """One life of the service, from the lease to the crash, or to a clean stop when the reader has all."""
    stop = asyncio.Event()
    lease = Lease(warehouse.database, "one copy after another", 60)
    fence = await lease.acquire(stop, lambda _: None)
    assert fence is not None
    tokens = Tokens(warehouse.database, fence)
    topic.failpoint = tokens.failpoint = failpoint
    streaming = asyncio.Event()
    relay = Relay(
        Feed(warehouse, failpoint),
        Copying(warehouse, failpoint),
        topic,
        tokens,
        policy=RelayPolicy(100_000, quiet_save_seconds=0.0),
        clock=await ServerClock.of(warehouse.database),
    )
    task = asyncio.ensure_future(_until_crash(relay.run(stop, streaming.set)))
    while not task.done() and not (streaming.is_set() and await topic.equals(warehouse)):
        await asyncio.sleep(0.02)
    stop.set()
    await asyncio.wait_for(task, 120)


async def _until_crash(work: Awaitable[None]) -> None:
    with suppress(Crash):
        await work


async def write(warehouse: Warehouse, draft: DraftMaker, turn: int) -> None:
    """Insert, update, delete and bring back, so that loss and order show; no turn hides another's."""
    documents, numbers = warehouse.documents, range(100 * turn, 100 * turn + 12)
    first = await documents.put_many([draft(number) for number in numbers])
    await documents.put_many([draft(number, "again") for number in numbers[:6]])
    for outcome in first[4:8]:
        await documents.delete(outcome.document_id, Category.ARTICLE)
    await documents.put(draft(numbers[4], "back"))


@pytest.mark.parametrize(
    ("phase", "step"),
    [("back-fill", step) for step in BACK_FILL_STEPS] + [("stream", step) for step in STREAM_STEPS],
)
async def test_nothing_is_lost_stale_or_foreign(
    warehouse: Warehouse, draft: DraftMaker, phase: str, step: str
) -> None:
    crashes = 0
    for passage in PASSAGES:
        topic, failpoint = Topic(), Failpoint(step, passage)
        # A first start each time: the lease and the position are gone, the documents are not.
        await warehouse.database["cdc_state"].delete_many({})
        await write(warehouse, draft, turn=3 * passage)
        writing = asyncio.create_task(write(warehouse, draft, turn=3 * passage + 1))
        # What the stream repeats of the back-fill cannot be lost: crash when there is more than that.
        await live(warehouse, topic, failpoint if phase == "back-fill" else Failpoint("none", 0))
        await writing
        await write(warehouse, draft, turn=3 * passage + 2)
        await live(warehouse, topic, failpoint)
        await live(warehouse, topic, Failpoint("none", 0))
        assert await topic.reader.differences(warehouse) == []
        crashes += failpoint.crashed
    assert crashes


async def test_a_lease_lost_between_two_batches_leaves_the_rest_to_the_next_holder(
    warehouse: Warehouse, draft: DraftMaker
) -> None:
    topic = Topic()

    class TakenOver:
        async def publish(self, messages: Sequence[Message]) -> None:
            await topic.publish(messages)
            if messages:
                await lease.acquire(asyncio.Event(), lambda _: None)

    await write(warehouse, draft, turn=0)
    lease = Lease(warehouse.database, "one copy after another", 60)
    fence = await lease.acquire(asyncio.Event(), lambda _: None)
    assert fence is not None
    relay = Relay(
        ChangeFeed(warehouse.database, 5),
        BackFill(warehouse.database, 5),
        TakenOver(),
        WarehouseTokenStore(warehouse.database, fence),
        policy=RelayPolicy(100_000, quiet_save_seconds=0.0),
        clock=await ServerClock.of(warehouse.database),
    )
    with pytest.raises(LeaseLost):
        await relay.run(asyncio.Event(), lambda: None)
    await write(warehouse, draft, turn=1)
    await live(warehouse, topic, Failpoint("none", 0))
    assert await topic.reader.differences(warehouse) == []
