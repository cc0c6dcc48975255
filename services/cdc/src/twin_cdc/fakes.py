"""In-memory stand-ins for the relay's neighbours; they pass the same tests as the real ones."""

import asyncio
from collections.abc import Awaitable, Sequence

from twin_cdc.resume_tokens import Position
from twin_common.events import Message


class MemoryTokenStore:
    """A position that lasts as long as the object."""

    def __init__(self) -> None:
        self._position: Position | None = None

    async def load(self) -> Position | None:
        return self._position

    async def save(self, position: Position) -> None:
        self._position = position

    async def clear(self) -> None:
        self._position = None


class MemoryPublisher:
    """Keeps what was sent; confirmations can be held back, or made to fail."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.confirmed: list[Message] = []
        self.failure: Exception | None = None
        self.may_confirm = asyncio.Event()
        self.may_confirm.set()

    async def send(self, messages: Sequence[Message]) -> Awaitable[None]:
        self.sent += messages
        return self._confirm(list(messages), self.failure)

    async def _confirm(self, messages: list[Message], failure: Exception | None) -> None:
        await self.may_confirm.wait()
        if failure is not None:
            raise failure
        self.confirmed += messages
