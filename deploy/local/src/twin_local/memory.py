"""How much memory a process and its children take."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil


def used_bytes() -> int:
    """What this process and all below it hold, shared pages counted once where the system says."""
    total = 0
    me = psutil.Process()
    for process in [me, *me.children(recursive=True)]:
        try:
            info = process.memory_full_info()
        except psutil.Error:
            continue
        total += getattr(info, "pss", 0) or info.rss
    return total


class MemoryWatch:
    """Remembers the highest reading."""

    def __init__(self) -> None:
        self.peak_bytes = 0

    @asynccontextmanager
    async def watching(self, interval_seconds: float = 0.5) -> AsyncIterator[None]:
        """Read in the background while the context lasts."""
        task = asyncio.create_task(self._watch(interval_seconds))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _watch(self, interval_seconds: float) -> None:
        while True:
            self.peak_bytes = max(self.peak_bytes, await asyncio.to_thread(used_bytes))
            await asyncio.sleep(interval_seconds)
