"""When an author's links are crawled by themselves: a cron expression, or an interval. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

_INTERVAL = re.compile(r"(?:every\s+)?(\d{1,5})\s*(m|min|minutes?|h|hours?|d|days?)")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_SHORTEST = timedelta(minutes=5)
_LONGEST = timedelta(days=366)
_CRON_FIELDS = 5


@dataclass(frozen=True)
class Schedule:
    """The moments of a cron expression in a time zone, or those of an interval."""

    cron: str | None
    interval: timedelta | None
    zone: ZoneInfo

    def first(self, now: datetime) -> datetime:
        """The first moment of a schedule that is new: at once for an interval."""
        return now if self.interval is not None else self.after(now)

    def after(self, now: datetime) -> datetime:
        """The next moment behind `now`, however many were missed before; in UTC."""
        if self.cron is None:
            return now + (self.interval or _LONGEST)
        return next(CronSim(self.cron, now.astimezone(self.zone))).astimezone(UTC)


def parse_schedule(text: str) -> Schedule:
    """Read `0 6 * * 1-5`, `0 6 * * * Europe/Stockholm`, `6h` or `every 2 days`.

    Cron expressions are Debian's, five fields, in UTC where no time zone of IANA's follows; what a change of
    the clocks skips or repeats runs once.

    Raises:
        ValueError: neither, more often than every 5 minutes, or a moment that never comes.
    """
    if interval := _INTERVAL.fullmatch(text.strip().lower()):
        length = int(interval[1]) * _UNITS[interval[2][0]]
        if not _SHORTEST <= length <= _LONGEST:
            raise ValueError("an interval lies between 5m and 366d")
        return Schedule(None, length, ZoneInfo("UTC"))
    *fields, last = text.split() or [""]
    zone_name = last if len(fields) == _CRON_FIELDS else "UTC"
    cron = " ".join(fields if len(fields) == _CRON_FIELDS else [*fields, last])
    try:
        schedule = Schedule(cron, None, ZoneInfo(zone_name))
        moments = CronSim(cron, datetime.now(schedule.zone))
        too_often = next(moments) + _SHORTEST > next(moments)
    except (CronSimError, StopIteration, LookupError, ValueError) as error:
        raise ValueError(
            f"{text!r} is no schedule ({error or 'that moment never comes'}): write a cron expression such "
            "as '0 6 * * *' or '0 6 * * 1-5 Europe/Stockholm', or an interval such as '6h' or '2d'"
        ) from error
    if too_often:
        raise ValueError(f"{text!r} is more often than every 5 minutes")
    return schedule
