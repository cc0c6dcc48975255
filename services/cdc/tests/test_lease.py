"""Who may relay, under a stopwatch that the test turns."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from twin_cdc.lease import Lease, LeaseLost
from twin_cdc.resume_tokens import Position, WarehouseTokenStore
from twin_cdc.state import COLLECTION
from twin_common.warehouse import Warehouse

DURATION = 0.3
FOREVER = 3600.0


class Stopwatch:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Copy:
    """One copy of the service; `waits` counts how often it looked and found another at work."""

    def __init__(self, warehouse: Warehouse, name: str, duration: float = DURATION) -> None:
        self.stopwatch = Stopwatch()
        self.stop = asyncio.Event()
        self.lease = Lease(warehouse.database, name, duration, self.stopwatch)
        self.waits = 0
        self.waits_for = ""

    async def acquire(self) -> int | None:
        return await self.lease.acquire(self.stop, self._wait)

    def _wait(self, holder: str) -> None:
        self.waits, self.waits_for = self.waits + 1, holder


async def seen(copy: Copy, times: int) -> None:
    until = copy.waits + times
    async with asyncio.timeout(120):
        while copy.waits < until:
            await asyncio.sleep(0.01)


class TestLease:
    async def test_the_first_copy_works_at_once_and_the_second_waits_and_knows_for_whom(
        self, warehouse: Warehouse
    ) -> None:
        first, second = Copy(warehouse, "first"), Copy(warehouse, "second")
        assert await first.acquire() == 1
        waiting = asyncio.create_task(second.acquire())
        await seen(second, 3)
        assert second.waits_for == "first"
        second.stop.set()
        assert await waiting is None

    async def test_of_many_that_start_together_one_works(self, warehouse: Warehouse) -> None:
        copies = [Copy(warehouse, f"copy {number}", FOREVER) for number in range(8)]
        tasks = [asyncio.create_task(copy.acquire()) for copy in copies]
        done, waiting = await asyncio.wait(tasks, timeout=120, return_when=asyncio.FIRST_COMPLETED)
        for copy in copies:
            copy.stop.set()
        await asyncio.gather(*waiting)
        assert [task.result() for task in [*done, *waiting] if task.result()] == [1]

    async def test_a_silent_holder_is_followed_once_the_lease_has_passed_on_our_own_stopwatch(
        self, warehouse: Warehouse
    ) -> None:
        first, second = Copy(warehouse, "first"), Copy(warehouse, "second")
        await first.acquire()
        waiting = asyncio.create_task(second.acquire())
        await seen(second, 10)
        assert not waiting.done()
        second.stopwatch.seconds += DURATION
        assert await asyncio.wait_for(waiting, 120) == 2

    async def test_a_renewal_begins_the_wait_anew(self, warehouse: Warehouse) -> None:
        first, second = Copy(warehouse, "first"), Copy(warehouse, "second")
        fence = await first.acquire()
        assert fence is not None
        waiting = asyncio.create_task(second.acquire())
        working = asyncio.create_task(first.lease.work_while_held(fence, asyncio.sleep(FOREVER)))
        for _ in range(5):
            before = await _renewals(warehouse)
            async with asyncio.timeout(120):
                while await _renewals(warehouse) == before:
                    await asyncio.sleep(0.01)
            await seen(second, 2)
            second.stopwatch.seconds += DURATION * 0.9
        assert not waiting.done()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        assert await asyncio.wait_for(waiting, 120) == 2  # given back, so nothing has to run out

    async def test_a_copy_that_comes_back_to_its_own_lease_need_not_wait(self, warehouse: Warehouse) -> None:
        copy = Copy(warehouse, "first", FOREVER)
        assert (await copy.acquire(), await copy.acquire()) == (1, 2)

    @pytest.mark.parametrize("skew_seconds", [-3600, 3600])
    async def test_nothing_in_the_state_depends_on_the_time_of_day(
        self, warehouse: Warehouse, skew_seconds: int
    ) -> None:
        first, second = Copy(warehouse, "first"), Copy(warehouse, "second")
        second.stopwatch.seconds = skew_seconds
        await first.acquire()
        waiting = asyncio.create_task(second.acquire())
        await seen(second, 5)
        assert not waiting.done()
        second.stopwatch.seconds += DURATION
        assert await asyncio.wait_for(waiting, 120) == 2


class TestWorkWhileHeld:
    async def test_the_end_of_the_work_gives_the_lease_back(self, warehouse: Warehouse) -> None:
        first, second = Copy(warehouse, "first", FOREVER), Copy(warehouse, "second", FOREVER)
        fence = await first.acquire()
        assert fence is not None
        await first.lease.work_while_held(fence, asyncio.sleep(0))
        assert await asyncio.wait_for(second.acquire(), 120) == 2

    async def test_so_does_its_failure(self, warehouse: Warehouse) -> None:
        async def fail() -> None:
            raise ConnectionError("Kafka is away")

        first, second = Copy(warehouse, "first", FOREVER), Copy(warehouse, "second", FOREVER)
        fence = await first.acquire()
        assert fence is not None
        with pytest.raises(ConnectionError):
            await first.lease.work_while_held(fence, fail())
        assert await asyncio.wait_for(second.acquire(), 120) == 2

    @pytest.mark.parametrize("loss", ["taken over", "removed"])
    async def test_a_copy_that_lost_the_lease_stops_working(self, warehouse: Warehouse, loss: str) -> None:
        first, second = Copy(warehouse, "first"), Copy(warehouse, "second")
        fence = await first.acquire()
        assert fence is not None
        if loss == "removed":
            await warehouse.database[COLLECTION].delete_many({})
        else:
            waiting = asyncio.create_task(second.acquire())
            await seen(second, 1)
            second.stopwatch.seconds += DURATION
            assert await waiting == 2
        work = asyncio.create_task(asyncio.sleep(FOREVER))
        with pytest.raises(LeaseLost):
            await asyncio.wait_for(first.lease.work_while_held(fence, work), 120)
        assert work.cancelled()
        if loss == "taken over":
            assert (await _row(warehouse))["holder"] == "second"


class TestFencing:
    @pytest.mark.parametrize("write", ["save", "clear"])
    async def test_an_old_holder_cannot_write_the_position(self, warehouse: Warehouse, write: str) -> None:
        copy = Copy(warehouse, "first")
        old, new = await copy.acquire(), await copy.acquire()
        assert old is not None and new is not None
        current = WarehouseTokenStore(warehouse.database, new)
        await current.save(Position({"_data": "new"}, back_filled=True))
        late = WarehouseTokenStore(warehouse.database, old)
        writes: dict[str, Callable[[], Any]] = {
            "save": lambda: late.save(Position({"_data": "old"}, back_filled=False)),
            "clear": late.clear,
        }
        with pytest.raises(LeaseLost):
            await writes[write]()
        assert await current.load() == Position({"_data": "new"}, back_filled=True)

    async def test_renewals_and_positions_do_not_disturb_each_other(self, warehouse: Warehouse) -> None:
        copy = Copy(warehouse, "first", 0.03)
        fence = await copy.acquire()
        assert fence is not None
        store = WarehouseTokenStore(warehouse.database, fence)

        async def save() -> None:
            for number in range(50):
                await store.save(Position({"_data": str(number)}, back_filled=True))

        await copy.lease.work_while_held(fence, save())
        assert await store.load() == Position({"_data": "49"}, back_filled=True)


async def _row(warehouse: Warehouse) -> dict[str, Any]:
    return await warehouse.database[COLLECTION].find_one({}) or {}


async def _renewals(warehouse: Warehouse) -> int:
    return int((await _row(warehouse))["renewals"])
