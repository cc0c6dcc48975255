"""Decides by the date in a feed or sitemap alone whether a page need be fetched. Pure."""

from datetime import datetime, timedelta

from twin_common.warehouse import PageState
from twin_crawler.page_metadata import parse_date

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


def latest_date(*dates: str | None) -> str | None:
    """The latest of several dates, as it is written; None: none of them is a date."""
    moments = [(moment, date) for date in dates if date and (moment := parse_date(date))]
    return max(moments)[1] if moments else None
