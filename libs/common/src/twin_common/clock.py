"""Time as the platform tells it: aware, in UTC, to the millisecond (what BSON keeps)."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Now in UTC, cut to whole milliseconds so that a stored value equals the one that was written."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
