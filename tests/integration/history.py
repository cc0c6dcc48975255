"""An owner who keeps writing, editing and deleting."""

import asyncio
import random
from dataclasses import dataclass, field

from pymongo.errors import PyMongoError

from twin_common.documents import Category, DocumentDraft
from twin_common.identity import AuthorId
from twin_common.warehouse import Warehouse

_TEXT = (
    "the ferry log keeps every reading until the shore confirms it while rain and waves delay what the "
    "engine room reports about oil pressure water and salt so nobody trusts a table that forgets"
)
_WORDS = _TEXT.split()


@dataclass
class History:
    """Random writes from a seed: inserts, 20 % edits that grow or shrink a text, 10 % deletions."""

    warehouse: Warehouse
    author_id: AuthorId
    seed: int
    written: int = 0
    _alive: dict[int, str] = field(default_factory=dict)
    _next: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    async def run(self, stop: asyncio.Event, pause_seconds: float) -> None:
        """Write until told to stop; a write that fails while the server is away is tried again."""
        while not stop.is_set():
            await self._retried(self._step())
            await asyncio.sleep(pause_seconds)

    def _step(self) -> tuple[str, int]:
        choice = self._random.random()
        if choice < 0.1 and self._alive:
            return "delete", self._random.choice(list(self._alive))
        if choice < 0.3 and self._alive:
            return "edit", self._random.choice(list(self._alive))
        self._next += 1
        return "insert", self._next

    async def _retried(self, step: tuple[str, int]) -> None:
        kind, number = step
        draft = self.draft(number)
        while True:
            try:
                if kind == "delete":
                    await self.warehouse.documents.delete(self._alive[number], Category.ARTICLE)
                    del self._alive[number]
                else:
                    outcome = await self.warehouse.documents.put(draft)
                    self._alive[number] = outcome.document_id
            except PyMongoError:
                await asyncio.sleep(0.2)
            else:
                self.written += 1
                return

    def draft(self, number: int) -> DocumentDraft:
        paragraphs = [
            " ".join(self._random.choices(_WORDS, k=self._random.randint(10, 60))) + "."
            for _ in range(self._random.choice([1, 1, 2, 8]))
        ]
        return DocumentDraft.at(
            self.author_id,
            f"https://{self.author_id}.example/{number}",
            category=Category.ARTICLE,
            title=f"Note {number}",
            text="\n\n".join(paragraphs),
        )
