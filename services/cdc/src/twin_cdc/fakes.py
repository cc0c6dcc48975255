"""In-memory stand-ins for the relay's neighbours; they pass the same tests as the real ones."""

import asyncio
from collections.abc import Sequence

from twin_cdc.resume_tokens import Position
from twin_common.events import DocumentDeleted, DocumentUpserted, Message, decode
from twin_common.warehouse import Warehouse


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

    async def publish(self, messages: Sequence[Message]) -> None:
        self.sent += messages
        await self.may_confirm.wait()
        if self.failure is not None:
            raise self.failure
        self.confirmed += messages


class ModelReader:
    """What a reader of the topic has who keeps to the rule of versions; the index is such a reader."""

    def __init__(self) -> None:
        self.versions: dict[str, int] = {}

    def read(self, message: Message) -> None:
        """Take in the next message of the topic; those of one key must come in order."""
        if message.value is None:
            return
        event = decode(message.value, message.headers, DocumentUpserted, DocumentDeleted).event
        known = self.versions.get(message.key.decode(), 0)
        if isinstance(event, DocumentUpserted):
            self.versions[event.document_id] = max(known, event.version)
        elif isinstance(event, DocumentDeleted) and (event.version is None or known <= event.version):
            self.versions.pop(event.document_id, None)

    async def differences(self, warehouse: Warehouse) -> list[str]:
        """How it differs from what is stored: lost, stale, or foreign; empty when both are equal."""
        stored = {found.document_id: found.version async for found in warehouse.documents.versions()}
        ids = sorted(stored.keys() | self.versions.keys())
        return [
            f"{key}: stored {stored.get(key)}, read {self.versions.get(key)}"
            for key in ids
            if stored.get(key) != self.versions.get(key)
        ]
