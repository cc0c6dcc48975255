"""Lets one process at a time crawl an author, however many copies of the service run."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from uuid import uuid4

import structlog
from pymongo.errors import ConnectionFailure

from twin_common.identity import AuthorId
from twin_common.standstill import Standstill
from twin_common.warehouse import AuthorLeases

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 0.5
_BEAT_SECONDS = 2.0
_DEAD_AFTER_SECONDS = 15.0


class AuthorTurns:
    """The second process that wants an author waits until the first is done, or seems dead.

    A holder is taken for dead when its count has stood still for `dead_after_seconds` by the clock of the
    one that waits. If it was only slow, it notices that the author was taken, cuts its work off and waits
    for its turn again.
    """

    def __init__(self, leases: AuthorLeases, dead_after_seconds: float = _DEAD_AFTER_SECONDS) -> None:
        self._leases = leases
        self._dead_after_seconds = dead_after_seconds

    async def work(self, author_id: AuthorId, work: Callable[[], Awaitable[None]]) -> None:
        """Wait for the author, then work; work that lost its turn is begun again in the next one."""
        holder = uuid4().hex
        done = False
        while not done:
            await self._take(author_id, holder)
            try:
                done = await self._work_while_held(author_id, holder, work)
            finally:
                await self._release(author_id, holder)

    async def _work_while_held(
        self, author_id: AuthorId, holder: str, work: Callable[[], Awaitable[None]]
    ) -> bool:
        working = asyncio.ensure_future(work())
        losing = asyncio.create_task(self._beat_until_lost(author_id, holder))
        try:
            await asyncio.wait((working, losing), return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
                return True
            log.warning("another process took over an author", author_id=author_id)
            return False
        finally:
            working.cancel()
            losing.cancel()
            await asyncio.gather(working, losing, return_exceptions=True)

    async def _take(self, author_id: AuthorId, holder: str) -> None:
        standstill = Standstill()
        while True:
            asked_at = monotonic()
            try:
                now = await self._leases.holder(author_id)
                dead = standstill.seconds(now, asked_at) >= self._dead_after_seconds
                if (now is None or dead) and await self._leases.take(author_id, holder, now):
                    return
            except ConnectionFailure as error:
                log.warning("waiting for the warehouse", error=str(error)[:300])
            await asyncio.sleep(_LOOK_SECONDS)

    async def _beat_until_lost(self, author_id: AuthorId, holder: str) -> None:
        while True:
            await asyncio.sleep(_BEAT_SECONDS)
            try:
                if not await self._leases.renew(author_id, holder):
                    return
            except ConnectionFailure as error:
                log.warning("the warehouse does not hear that a crawl goes on", error=str(error)[:300])

    async def _release(self, author_id: AuthorId, holder: str) -> None:
        try:
            await self._leases.release(author_id, holder)
        except ConnectionFailure as error:
            log.warning("an author is freed later, by standing still", error=str(error)[:300])
