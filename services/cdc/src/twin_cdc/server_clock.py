"""The warehouse's time, so that a wrong clock on this machine distorts no figure."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from pymongo.asynchronous.database import AsyncDatabase


class ServerClock:
    """What the warehouse's clock said once, carried on by a stopwatch."""

    def __init__(self, said: datetime) -> None:
        self._said = said
        self._heard_at = time.monotonic()

    @classmethod
    async def of(cls, database: AsyncDatabase[dict[str, Any]]) -> Self:
        """Ask the warehouse."""
        said: datetime = (await database.command("hello"))["localTime"]  # without a zone, and in UTC
        return cls(said.replace(tzinfo=UTC))

    def now(self) -> datetime:
        """The warehouse's time now."""
        return self._said + timedelta(seconds=time.monotonic() - self._heard_at)
