"""Lists that are read page by page, newest first, as quickly at the end as at the beginning."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo.asynchronous.collection import AsyncCollection

from twin_common.clock import utc_now
from twin_rag_api.errors import InvalidRequest

_FIRST_SPAN = timedelta(seconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KEY = re.compile(r"[\w-]{20,80}", re.ASCII)
"""What an id looks like: a UUID, or one with a word before it."""


@dataclass(frozen=True)
class Place:
    """Between two rows of a list: behind the one of this time and this id."""

    at: datetime
    key: str

    @classmethod
    def start(cls) -> "Place":
        """Before every row that exists by now, also those of a clock that is ahead."""
        return cls(utc_now() + timedelta(days=1), "")

    @classmethod
    def parse(cls, text: str) -> "Place":
        """Read what `str` wrote.

        Raises:
            InvalidRequest: it is something else.
        """
        try:
            millis, _, key = text.partition(".")
            at = datetime.fromtimestamp(int(millis) / 1000, UTC)
        except (ValueError, OverflowError, OSError) as error:
            raise _not_from_a_page() from error
        if not _KEY.fullmatch(key):
            raise _not_from_a_page()
        return cls(at, key)

    def __str__(self) -> str:
        return f"{round(self.at.timestamp() * 1000)}.{self.key}"


def _not_from_a_page() -> InvalidRequest:
    return InvalidRequest("after", "take it from `next` of the page before")


async def rows_behind(
    collection: AsyncCollection[dict[str, Any]],
    condition: Mapping[str, Any],
    time_field: str,
    place: Place,
    *,
    limit: int,
    fields: Mapping[str, int] | None = None,
    oldest: datetime | None = None,
) -> list[dict[str, Any]]:
    """Rows behind a place and not older than `oldest`, newest first.

    They are looked for in a span of time that grows until it holds enough of them. Two ends let every server
    use its index; without a lower one the small local server reads all rows.
    """
    newest, end = place.at, oldest or _EPOCH
    span = _FIRST_SPAN
    behind = [{time_field: {"$lt": newest}}, {time_field: newest, "_id": {"$gt": place.key}}]
    while True:
        begin = max(end, newest - span)
        wanted = {**condition, time_field: {"$gte": begin, "$lte": newest}, "$or": behind}
        found = collection.find(wanted, fields).sort([(time_field, -1), ("_id", 1)])
        rows = await found.limit(limit).to_list()
        if len(rows) == limit or begin == end:
            return rows
        span *= 16
