"""Where the relay has got to; kept in the warehouse itself, so that a wiped warehouse takes it along."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pymongo.asynchronous.database import AsyncDatabase

from twin_cdc.lease import LeaseLost
from twin_cdc.mapping import ResumeToken
from twin_cdc.state import COLLECTION, RELAY, state_collection
from twin_common.clock import utc_now
from twin_common.errors import TwinError


class ResumeTokenLost(TwinError):
    """The position we would resume from is gone, unreadable, or means nothing to this warehouse."""


@dataclass(frozen=True)
class Position:
    """A resume token, and whether everything that existed before it has been published."""

    resume_token: ResumeToken
    back_filled: bool


class ResumeTokenStore(Protocol):
    """Remembers one position; `save` may be repeated."""

    async def load(self) -> Position | None:
        """The saved position; None at the first start.

        Raises:
            ResumeTokenLost: there was one, and it cannot be used.
        """

    async def save(self, position: Position) -> None:
        """Replace the saved position.

        Raises:
            LeaseLost: another copy relays now.
        """

    async def clear(self) -> None:
        """Forget it, so that the next start is a first start; raises LeaseLost likewise."""


class WarehouseTokenStore:
    """The position of one holder of the lease: it is written only while `fence` is the newest number."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]], fence: int) -> None:
        self._database = database
        self._state = state_collection(database)
        self._fence = fence
        self._own_store_id: str | None = None

    async def load(self) -> Position | None:
        row: Mapping[str, Any] = await self._state.find_one({"_id": RELAY}) or {}
        if "resume_token" not in row:
            return None
        token = row["resume_token"]
        if not isinstance(token, dict) or not token:
            raise ResumeTokenLost(f"the saved resume token is damaged: {str(token)[:100]}")
        if row.get("store_id") != await self._store_id():
            raise ResumeTokenLost("the saved resume token was given by another warehouse than this one")
        return Position(token, bool(row.get("back_filled")))

    async def save(self, position: Position) -> None:
        facts = {
            "resume_token": dict(position.resume_token),
            "back_filled": position.back_filled,
            "store_id": await self._store_id(),
            "saved_at": utc_now(),
        }
        await self._update({"$set": facts})

    async def clear(self) -> None:
        await self._update({"$unset": {"resume_token": "", "back_filled": "", "store_id": ""}})

    async def _update(self, change: Mapping[str, Any]) -> None:
        result = await self._state.update_one({"_id": RELAY, "fence": self._fence}, change)
        if not result.matched_count:
            raise LeaseLost("another copy has taken over the lease: the position is no longer ours to save")

    async def _store_id(self) -> str | None:
        """The collection's own UUID: a dump restored elsewhere brings the rows, and gets a new one."""
        if self._own_store_id is None:
            async for found in await self._database.list_collections(filter={"name": COLLECTION}):
                self._own_store_id = str(found["info"]["uuid"])
        return self._own_store_id
