"""What LinkedIn's addresses tell."""

import re
from datetime import UTC, datetime

_URN = re.compile(r"(?:activity|share|ugcPost)[:-](\d{15,20})")
# An id is a number of 64 bits of which the lowest 22 are a counter, and the rest milliseconds since 1970.
# Found by Ollie Boyd (Ollie-Boyd/Linkedin-post-timestamp-extractor): the first 41 binary digits of 63.
_COUNTER_BITS = 22
_EARLIEST = datetime(2003, 5, 5, tzinfo=UTC)


def date_of_urn(text: str) -> datetime | None:
    """When the post was made whose id stands in an address or a URN, to the millisecond; None: no such id."""
    found = _URN.search(text)
    if found is None:
        return None
    seconds = (int(found[1]) >> _COUNTER_BITS) / 1000
    try:
        made_at = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return made_at if made_at > _EARLIEST else None
