"""Which copy of the service relays: one holds the lease, the others wait for it.

No clock is compared with another. A waiting copy watches the holder's renewals and takes over once it has
seen none for as long as the lease lasts, by its own stopwatch. Every holder gets a higher fencing number, and
whatever it writes names that number: a copy that was paused past its lease finds itself fenced off
(M. Kleppmann, "How to do distributed locking", 2016).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import structlog
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError, PyMongoError

from twin_cdc.state import RELAY, state_collection
from twin_common.errors import TwinError
from twin_common.standstill import Standstill, Stopwatch

log = structlog.get_logger(__name__)

_RENEWALS_A_LEASE = 3
_LOOKS_A_LEASE = 6


class LeaseLost(TwinError):
    """Another copy has taken over, or the state was removed; nothing more may be written."""


class Lease:
    """The right to relay; it lasts `duration_seconds` beyond its last renewal."""

    def __init__(
        self,
        database: AsyncDatabase[dict[str, Any]],
        holder: str,
        duration_seconds: float,
        stopwatch: Stopwatch = time.monotonic,
    ) -> None:
        self._state = state_collection(database)
        self._holder = holder
        self._duration = duration_seconds
        self._stopwatch = stopwatch

    async def acquire(self, stop: asyncio.Event, on_waiting: Callable[[str], None]) -> int | None:
        """Wait until the lease is ours.

        Args:
            stop: set it to give up waiting.
            on_waiting: told who holds the lease, at every look.

        Returns:
            Our fencing number, higher than any before it; None when told to stop.
        """
        standstill = Standstill(self._stopwatch)
        while not stop.is_set():
            asked_at = self._stopwatch()
            row = await self._state.find_one({"_id": RELAY})
            if row is None or "fence" not in row:
                await self._create()
                continue
            if standstill.seconds((row["fence"], row["renewals"]), asked_at) >= self._duration:
                log.warning("taking over: the lease was not renewed", holder=row["holder"])
                row["holder"] = None
            if row["holder"] in (None, self._holder):
                if await self._take(row):
                    return int(row["fence"]) + 1
                continue
            on_waiting(str(row["holder"]))
            with suppress(TimeoutError):
                async with asyncio.timeout(self._duration / _LOOKS_A_LEASE):
                    await stop.wait()
        return None

    async def work_while_held(self, fence: int, work: Awaitable[None]) -> None:
        """Do the work, renewing the lease meanwhile, and give it back at the end.

        Raises:
            LeaseLost: another copy took over; the work was cancelled.
        """
        tasks = [asyncio.ensure_future(work), asyncio.create_task(self._renew(fence), name="lease")]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with suppress(PyMongoError):  # then it runs out by itself
                await self._state.update_one(self._ours(fence), {"$set": {"holder": None}})

    async def _renew(self, fence: int) -> None:
        while True:
            await asyncio.sleep(self._duration / _RENEWALS_A_LEASE)
            result = await self._state.update_one(self._ours(fence), {"$inc": {"renewals": 1}})
            if not result.matched_count:
                raise LeaseLost("another copy has taken over the lease")

    async def _create(self) -> None:
        free = {"fence": 0, "renewals": 0, "holder": None}
        with suppress(DuplicateKeyError):  # another copy was quicker
            await self._state.update_one(
                {"_id": RELAY, "fence": {"$exists": False}}, {"$set": free}, upsert=True
            )

    async def _take(self, seen: Mapping[str, Any]) -> bool:
        """Take the lease if nobody touched it since we looked."""
        unchanged = {"_id": RELAY, "fence": seen["fence"], "renewals": seen["renewals"]}
        ours = {"$inc": {"fence": 1}, "$set": {"holder": self._holder, "renewals": 0}}
        return (await self._state.update_one(unchanged, ours)).matched_count == 1

    def _ours(self, fence: int) -> dict[str, Any]:
        return {"_id": RELAY, "fence": fence, "holder": self._holder}
