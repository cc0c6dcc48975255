"""An author who writes short posts at a steady rate, beside what a benchmark measures."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from twin_common.documents import Category, DocumentDraft
from twin_common.identity import parse_author_id
from twin_common.warehouse import Warehouse

_AUTHOR = parse_author_id("steady")
_MOST_POSTS = 300


class SteadyAuthor:
    """Writes new posts until there are 300, then edits three in four times and deletes one in four."""

    def __init__(self, warehouse: Warehouse, writes_a_second: float) -> None:
        self._warehouse = warehouse
        self._interval = 1 / writes_a_second
        self._random = random.Random(1)
        self._posts: set[int] = set()
        self._written = 0
        self._began = time.perf_counter()

    @property
    def rate(self) -> float:
        """Writes a second that were reached so far."""
        return self._written / (time.perf_counter() - self._began)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Write until the end of the block; a write that fails ends it with its error."""
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self._write())
            yield
            task.cancel()

    async def _write(self) -> None:
        self._began = time.perf_counter()
        while True:
            await self._step()
            self._written += 1
            ahead = self._began + self._written * self._interval - time.perf_counter()
            await asyncio.sleep(max(0, ahead))

    async def _step(self) -> None:
        full = len(self._posts) >= _MOST_POSTS
        if full and self._random.random() < 0.25:
            gone = self._random.choice(sorted(self._posts))
            self._posts.discard(gone)
            await self._warehouse.documents.delete(_post(gone, 0).document_id, Category.POST)
            return
        number = self._random.choice(sorted(self._posts)) if full else self._written
        self._posts.add(number)
        await self._warehouse.documents.put(_post(number, self._written))


def _post(number: int, edit: int) -> DocumentDraft:
    text = f"Note {number}, written down as number {edit}: the ferry was late again and nobody on it minded."
    return DocumentDraft.at(_AUTHOR, f"https://steady.example/{number}", category=Category.POST, text=text)
