"""The one row in which the relay's lease and position are kept, so that both change in one atomic write."""

from typing import Any

from pymongo import WriteConcern
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

COLLECTION = "cdc_state"
RELAY = "content.documents.changes.v1"
"""The id of the row."""


def state_collection(database: AsyncDatabase[dict[str, Any]]) -> AsyncCollection[dict[str, Any]]:
    """Writes count once a majority has them: a new primary must not forget who holds the lease."""
    return database.get_collection(COLLECTION, write_concern=WriteConcern("majority"))
