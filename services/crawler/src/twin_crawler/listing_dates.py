"""Decides by the date in a feed or sitemap alone whether a page need be fetched. Pure."""

from datetime import UTC, datetime, timedelta

from twin_common.warehouse import PageState

# A date may lack its time, and a second edit may follow the first on the same day.
_SETTLED = timedelta(days=1)
# Sites that forget to move their dates are looked at all the same, if less often.
_RECHECK = timedelta(days=7)


def is_current_by_date(revision: str | None, state: PageState | None, now: datetime) -> bool:
    """Whether the page was read under this very date, long enough after it and not too long ago."""
    if revision is None or state is None or state.document_id is None or state.seen_at is None:
        return False
    if revision != state.revision or state.gone_count or now - state.seen_at > _RECHECK:
        return False
    moment = parse_date(revision)
    return moment is not None and moment + _SETTLED < state.seen_at


def parse_date(text: str) -> datetime | None:
    """A date of W3C's profile of ISO 8601, as sitemaps and Atom use it, in UTC; None when it is none."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
