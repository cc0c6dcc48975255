"""Decides how long a link that gives nothing is left alone. Pure."""

from datetime import datetime, timedelta

from twin_common.warehouse import LinkState
from twin_crawler.failures import Failure

_FIRST_PAUSE = timedelta(minutes=10)
_LONGEST_PAUSE = timedelta(days=1)
_FAILURES_WITHOUT_PAUSE = 1
BY_SERVER = "paused_by_server"


def is_paused(state: LinkState | None, now: datetime, asked_by_name: bool) -> bool:
    """Whether a link is left alone; one asked for by name only if its server wants that."""
    if state is None or state.paused_until is None or state.paused_until <= now:
        return False
    return not asked_by_name or state.reason == BY_SERVER


def after_crawl(before: LinkState, failure: Failure | None, now: datetime) -> LinkState:
    """What is remembered of a link.

    A server's own wish counts at once. Else the second crawl in a row that fails for a passing reason pauses
    the link for ten minutes, each further one twice as long, up to a day.

    Args:
        before: how the link stood.
        failure: why the crawl got nothing from it, if so.
        now: the time of the verdict.
    """
    if failure is None or not (failure.is_transient or failure.retry_at):
        return LinkState(
            author_id=before.author_id,
            url=before.url,
            reason=failure.reason if failure else None,
            detail=failure.detail if failure else None,
        )
    failures = before.failures + 1
    pauses = failures - _FAILURES_WITHOUT_PAUSE
    paused_until = failure.retry_at
    if paused_until is None and pauses > 0:
        paused_until = now + min(_FIRST_PAUSE * 2 ** min(pauses - 1, 20), _LONGEST_PAUSE)
    return LinkState(
        author_id=before.author_id,
        url=before.url,
        failures=failures,
        reason=BY_SERVER if failure.retry_at else failure.reason,
        detail=failure.detail[:300],
        paused_until=paused_until,
    )
