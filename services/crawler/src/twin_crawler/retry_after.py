"""Reads how long a server asks to be left alone: `Retry-After` of RFC 9110, section 10.2.3. Pure."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def seconds_to_wait(retry_after: str | None, date: str | None, now: datetime) -> float | None:
    """The seconds that a `Retry-After` asks for, at least 0; None when it says nothing usable.

    Args:
        retry_after: the header: seconds, or a moment.
        date: the answer's own `Date`, by which a moment is reckoned, since the server's clock may be off.
        now: stands in for a missing `Date`.
    """
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    moment = _moment(text)
    if moment is None:
        return None
    return max(0.0, (moment - (_moment(date or "") or now)).total_seconds())


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
