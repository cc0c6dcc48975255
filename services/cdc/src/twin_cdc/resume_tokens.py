"""Where the relay has got to; kept in the warehouse itself, so that a wiped warehouse takes it along."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pymongo.asynchronous.database import AsyncDatabase

from twin_cdc.mapping import ResumeToken
from twin_common.clock import utc_now

_ID = "content.documents.changes.v1"


@dataclass(frozen=True)
class Position:
    """A resume token, and whether everything that existed before it has been published."""

    resume_token: ResumeToken
    back_filled: bool


class ResumeTokenStore(Protocol):
    """Remembers one position; `save` may be repeated."""

    async def load(self) -> Position | None:
        """The saved position; None at the first start."""

    async def save(self, position: Position) -> None:
        """Replace the saved position."""

    async def clear(self) -> None:
        """Forget it, so that the next start is a first start."""


class WarehouseTokenStore:
    """The collection `cdc_state`."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._collection = database["cdc_state"]

    async def load(self) -> Position | None:
        row: Mapping[str, Any] | None = await self._collection.find_one({"_id": _ID})
        if row is None or not isinstance(row.get("resume_token"), dict):
            return None
        return Position(row["resume_token"], bool(row.get("back_filled")))

    async def save(self, position: Position) -> None:
        row = {
            "resume_token": dict(position.resume_token),
            "back_filled": position.back_filled,
            "saved_at": utc_now(),
        }
        await self._collection.replace_one({"_id": _ID}, row, upsert=True)

    async def clear(self) -> None:
        await self._collection.delete_one({"_id": _ID})
