"""An owner who keeps writing, editing and deleting: random, but the same for the same seed."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from pymongo.errors import PyMongoError

from twin_common.clock import Clock, utc_now
from twin_common.documents import Category, DocumentDraft
from twin_common.identity import AuthorId
from twin_common.warehouse import Documents, Warehouse

_TEXT = (
    "the ferry log keeps every reading until the shore confirms it while rain and waves delay what the "
    "engine room reports about oil pressure water and salt so nobody trusts a table that forgets harbour "
    "pilots count lamps before dawn and write their names beside each crossing in pencil because ink runs"
)
_WORDS = _TEXT.split()
_RETRY_SECONDS = 0.2
_LONG_PARAGRAPHS = 60
_PLATFORMS = ("web", "medium", "substack")


class StepKind(StrEnum):
    """What an owner does to one document."""

    INSERT = "insert"
    EDIT = "edit"
    GROW = "grow"
    SHRINK = "shrink"
    DELETE = "delete"
    REINSERT = "re-insert"
    DUPLICATE = "duplicate"
    """The same content once more, which must change nothing."""


@dataclass(frozen=True)
class Mix:
    """How often each step is taken; the shares add up to one."""

    shares: tuple[tuple[StepKind, float], ...] = (
        (StepKind.INSERT, 0.62),
        (StepKind.EDIT, 0.12),
        (StepKind.GROW, 0.04),
        (StepKind.SHRINK, 0.04),
        (StepKind.DELETE, 0.10),
        (StepKind.REINSERT, 0.04),
        (StepKind.DUPLICATE, 0.04),
    )


@dataclass(frozen=True)
class Step:
    """One thing the owner does; a deletion has no draft."""

    kind: StepKind
    number: int
    """Which of the owner's documents."""
    draft: DocumentDraft


class Steps:
    """What one owner does, decided from a seed."""

    def __init__(self, author_id: AuthorId, seed: int, mix: Mix = Mix()) -> None:
        self._author_id = author_id
        self._random = random.Random(seed)
        self._mix = mix
        self._alive: dict[int, DocumentDraft] = {}
        self._deleted: dict[int, DocumentDraft] = {}
        self._next = 0

    def next(self) -> Step:
        """What the owner does next; asking counts as doing."""
        kinds, shares = zip(*self._mix.shares, strict=True)
        kind = self._random.choices(kinds, shares)[0]
        if kind is StepKind.REINSERT and not self._deleted:
            kind = StepKind.INSERT
        if kind not in (StepKind.INSERT, StepKind.REINSERT) and not self._alive:
            kind = StepKind.INSERT
        if kind is StepKind.INSERT:
            self._next += 1
            number = self._next
        else:
            number = self._random.choice(list(self._deleted if kind is StepKind.REINSERT else self._alive))
        step = Step(kind, number, self._draft(kind, number))
        if kind is StepKind.DELETE:
            self._deleted[number] = self._alive.pop(number)
        else:
            self._deleted.pop(number, None)
            self._alive[number] = step.draft
        return step

    def _draft(self, kind: StepKind, number: int) -> DocumentDraft:
        old = self._alive.get(number)
        if old is not None and kind in (StepKind.DELETE, StepKind.DUPLICATE):
            return old
        if kind is StepKind.REINSERT and self._random.random() < 0.5:
            return self._deleted[number]  # exactly what was there before
        paragraphs = old.text.split("\n\n") if old else self._paragraphs(number)
        if old and kind is StepKind.EDIT:
            paragraphs[self._random.randrange(len(paragraphs))] = self._paragraph(number)
        elif kind is StepKind.GROW:
            more = self._random.choice((1, 2, 4, _LONG_PARAGRAPHS))
            paragraphs += [self._paragraph(number) for _ in range(more)]
        elif kind is StepKind.SHRINK:
            paragraphs = (
                paragraphs[: max(1, len(paragraphs) // 3)]
                if len(paragraphs) > 1
                else self._paragraphs(number)
            )
        return self._at(number, paragraphs)

    def _at(self, number: int, paragraphs: list[str]) -> DocumentDraft:
        return DocumentDraft.at(
            self._author_id,
            f"https://{self._author_id}.example/{number}",
            category=list(Category)[number % 2],
            platform=_PLATFORMS[number % len(_PLATFORMS)],
            title=f"Note {number}",
            text="\n\n".join(paragraphs),
        )

    def _paragraphs(self, number: int) -> list[str]:
        return [self._paragraph(number) for _ in range(self._random.choice((1, 1, 1, 2, 5)))]

    def _paragraph(self, number: int) -> str:
        words = " ".join(self._random.choices(_WORDS, k=self._random.randint(8, 30)))
        return f"Entry {number}.{self._random.randrange(1_000_000)}: {words}."


class History:
    """Carries out the steps; one that fails while the server is away is tried again."""

    def __init__(self, warehouse: Warehouse, author_id: AuthorId, seed: int, clock: Clock = utc_now) -> None:
        self._documents = Documents(warehouse.database, clock)
        self._steps = Steps(author_id, seed)
        self.written = 0

    async def run(self, stop: asyncio.Event, pause_seconds: float) -> None:
        """Write until told to stop."""
        while not stop.is_set():
            await self.write(1, pause_seconds)

    async def write(
        self,
        writes: int,
        pause_seconds: float = 0.0,
        before_write: Callable[[int], Awaitable[None]] | None = None,
    ) -> None:
        """Make so many writes.

        Args:
            before_write: awaited with the number of these writes that are made.
        """
        for number in range(writes):
            if before_write is not None:
                await before_write(number)
            await _retried(self._documents, self._steps.next())
            self.written += 1
            await asyncio.sleep(pause_seconds)


async def _retried(documents: Documents, step: Step) -> None:
    while True:
        try:
            if step.kind is StepKind.DELETE:
                await documents.delete(step.draft.document_id, step.draft.category)
            else:
                await documents.put(step.draft)
        except PyMongoError:
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            return
