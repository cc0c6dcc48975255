"""Lets runs wait for their turn: one of an author at a time, a few authors at once."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable

import structlog

from twin_crawler import metrics

log = structlog.get_logger(__name__)

Work = Callable[[], Awaitable[None]]


class RunQueue:
    """Runs of one author keep their order."""

    def __init__(self, concurrent_runs: int, max_waiting: int) -> None:
        self._running = asyncio.Semaphore(concurrent_runs)
        self._places = asyncio.Semaphore(max_waiting)
        self._authors: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._tasks: set[asyncio.Task[None]] = set()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Gets the exception of the first piece of work that raised one."""

    async def put(self, author_id: str, work: Work) -> None:
        """Line up a piece of work; waits while too much is waiting already."""
        await self._places.acquire()
        task = asyncio.create_task(self._work(author_id, work))
        self._tasks.add(task)
        task.add_done_callback(self._end)

    def fail(self, error: BaseException) -> None:
        """Say that the service cannot go on; the first to say so is heard."""
        if not self.failed.done():
            self.failed.set_exception(error)

    async def stop(self) -> None:
        """Cut off what is under way; it is delivered again at the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _work(self, author_id: str, work: Work) -> None:
        with metrics.RUNS_WAITING.track_inprogress():
            await self._authors[author_id].acquire()
            await self._running.acquire()
        try:
            await work()
        finally:
            self._running.release()
            self._authors[author_id].release()

    def _end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._places.release()
        if not task.cancelled() and (error := task.exception()):
            self.fail(error)
