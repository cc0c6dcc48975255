"""The times that a question names, in English and German: days, months, years, and those told from now."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

_MONTHS = (
    *(("january", "januar", "jänner", "jan"), ("february", "februar", "feb"), ("march", "märz", "mar")),
    *(("april", "apr"), ("may", "mai"), ("june", "juni", "jun"), ("july", "juli", "jul")),
    *(("august", "aug"), ("september", "sept", "sep"), ("october", "oktober", "oct", "okt")),
    *(("november", "nov"), ("december", "dezember", "dec", "dez")),
)
_MONTH_NUMBERS = {name: number for number, names in enumerate(_MONTHS, 1) for name in names}
_NUMBERS = {
    **{"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10},
    **{"zwei": 2, "drei": 3, "vier": 4, "fünf": 5, "sechs": 6, "sieben": 7, "acht": 8, "neun": 9, "zehn": 10},
    **{"twelve": 12, "zwölf": 12},
}
_UNITS = {
    **dict.fromkeys(("day", "days", "tag", "tage", "tagen"), "day"),
    **dict.fromkeys(("week", "weeks", "woche", "wochen"), "week"),
    **dict.fromkeys(("month", "months", "monat", "monate", "monaten", "monats"), "month"),
    **dict.fromkeys(("quarter", "quarters", "quartal", "quartale", "quartalen"), "quarter"),
    **dict.fromkeys(("year", "years", "jahr", "jahre", "jahren", "jahres"), "year"),
}
_MONTHS_OF = {"month": 1, "quarter": 3, "year": 12}
_DAYS_OF = {"day": 1, "week": 7}


def _any_of(words: "dict[str, int] | dict[str, str]") -> str:
    return "|".join(sorted(words, key=len, reverse=True))


_MONTH = rf"(?:{_any_of(_MONTH_NUMBERS)})\b\.?"
_YEAR = r"(?:19|20)\d\d\b"
_UNIT = rf"(?:{_any_of(_UNITS)})\b"
_PAST = r"(?:last|past|previous|letzt\w{1,2}|vergangen\w{1,2}|vorig\w{1,2})"
_THIS = r"(?:this|dies\w{1,2})"
_POINT = rf"""
    (?P<iso_year>(?:19|20)\d\d)-(?P<iso_month>\d\d)(?:-(?P<iso_day>\d\d))?\b
  | (?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)?\s+(?:of\s+)?(?P<day_month>{_MONTH})\s+(?P<day_year>{_YEAR})
  | (?P<us_month>{_MONTH})\s+(?P<us_day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<us_year>{_YEAR})
  | (?P<month>{_MONTH}),?\s+(?:of\s+)?(?P<month_year>{_YEAR})
  | Q(?P<quarter>[1-4])\s+(?:of\s+)?(?P<quarter_year>{_YEAR})
  | {_PAST}\s+(?P<count>\d{{1,3}}|{_any_of(_NUMBERS)})\s+(?P<count_unit>{_UNIT})
  | {_PAST}\s+(?P<past_unit>{_UNIT})
  | {_PAST}\s+(?P<past_month>{_MONTH})
  | {_THIS}\s+(?P<this_unit>{_UNIT})
  | (?P<named_day>yesterday|today|gestern|heute)\b
  | (?:the\s+year\s+|jahre?\s+)?(?P<year>{_YEAR})
  | (?P<bare_month>{_MONTH})
"""
_PREPOSITION = (
    r"(?P<preposition>in|on|during|within|over|since|after|before|until|till|by|from|of|between"
    r"|im|am|aus|während|seit|nach|vor|bis|von|vom|zwischen)"
)
_EXPRESSION = re.compile(
    rf"(?:\b{_PREPOSITION}\s+)?(?:(?:the|den|der|dem)\s+)?\b(?:{_POINT})", re.IGNORECASE | re.VERBOSE
)
_JOINS = re.compile(r"\s*(?:and|to|until|till|und|bis|-|–)?\s*", re.IGNORECASE)
_SINCE, _AFTER = ("since", "seit"), ("after", "nach")
_BEFORE, _UNTIL = ("before", "vor"), ("until", "till", "by", "bis")
_FROM, _BETWEEN = ("from", "von", "vom"), ("between", "zwischen")


@dataclass(frozen=True)
class TimeSpan:
    """A time that a question names, and where it does."""

    after: datetime | None
    """At this moment or later."""
    before: datetime | None
    """Strictly earlier than this moment."""
    preposition: str
    """In lower case; empty where the time stands alone."""
    is_relative: bool
    """Whether it is told from now, as in "last year"."""
    is_range: bool
    """Whether it was named by both of its ends."""
    first: int
    last: int
    """Where it stands in the question, with its preposition: characters, the end excluded."""


def time_spans(question: str, now: datetime) -> list[TimeSpan]:
    """Every time that is named, in the order of the question; a range of two is one."""
    found: list[TimeSpan] = []
    for span in _single(question, now):
        before = found[-1] if found else None
        if before is not None and _is_range(before, span, question):
            found[-1] = replace(before, before=span.before, last=span.last, is_range=True)
        else:
            found.append(span)
    return [_directed(span) for span in found]


def _single(question: str, now: datetime) -> Iterator[TimeSpan]:
    for match in _EXPRESSION.finditer(question):
        try:
            point = _resolve(match, now)
        except (ValueError, OverflowError):  # there is no 31st of February
            continue
        if point is not None:
            preposition = (match["preposition"] or "").lower()
            relative = any(match[name] for name in ("count", "past_unit", "this_unit", "named_day"))
            yield TimeSpan(*point, preposition, relative, False, match.start(), match.end())


def _is_range(first: TimeSpan, second: TimeSpan, question: str) -> bool:
    """Whether the two are ends of one span: "from May to July", "between 2020 and 2022"."""
    between = question[first.last : second.first]
    joined = _JOINS.fullmatch(between) is not None and (between.strip() or second.preposition in _UNTIL)
    return bool(joined) and first.preposition in (*_FROM, *_BETWEEN)


def _directed(span: TimeSpan) -> TimeSpan:
    after, before = span.after, span.before
    if span.preposition in _SINCE:
        before = None
    elif span.preposition in _AFTER:
        after, before = span.before, None
    elif span.preposition in _BEFORE:
        after, before = None, span.after
    elif span.preposition in _UNTIL:
        after = None
    return replace(span, after=after, before=before)


def _resolve(match: re.Match[str], now: datetime) -> tuple[datetime, datetime] | None:
    """Beginning and end of the time; None for a word that is only spelt like a month.

    Raises:
        ValueError: there is no such day.
    """
    for year, month, day in (
        ("iso_year", "iso_month", "iso_day"),
        ("day_year", "day_month", "day"),
        ("us_year", "us_month", "us_day"),
    ):
        if match[year] and match[day]:
            start = datetime(int(match[year]), _month(match[month]), int(match[day]), tzinfo=UTC)
            return start, start + timedelta(days=1)
    for year, month in (("iso_year", "iso_month"), ("month_year", "month")):
        if match[year]:
            return _months(int(match[year]), _month(match[month]), 1)
    if match["quarter"]:
        return _months(int(match["quarter_year"]), 3 * int(match["quarter"]) - 2, 3)
    if match["year"]:
        return _months(int(match["year"]), 1, 12)
    if match["past_month"] or match["bare_month"]:
        return _latest(match, now)
    return _relative(match, now)


def _latest(match: re.Match[str], now: datetime) -> tuple[datetime, datetime] | None:
    """The last month of that name that has begun; alone it needs a capital letter and a preposition."""
    name = match["past_month"] or match["bare_month"]
    if not match["past_month"] and not (match["preposition"] and name[0].isupper()):
        return None
    month = _month(name)
    return _months(now.year if month <= now.month else now.year - 1, month, 1)


def _relative(match: re.Match[str], now: datetime) -> tuple[datetime, datetime]:
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if match["named_day"]:
        start = today - timedelta(days=match["named_day"].lower() in ("yesterday", "gestern"))
        return start, start + timedelta(days=1)
    if match["count"]:
        count = _NUMBERS.get(match["count"].lower()) or int(match["count"])
        unit = _UNITS[match["count_unit"].lower()]
        if unit in _DAYS_OF:
            return today - timedelta(days=count * _DAYS_OF[unit]), now
        earliest, _ = _months(today.year, today.month - count * _MONTHS_OF[unit], 1)
        last_day = (_months(earliest.year, earliest.month, 1)[1] - timedelta(days=1)).day
        return earliest.replace(day=min(today.day, last_day)), now
    unit = _UNITS[(match["past_unit"] or match["this_unit"]).lower()]
    back = 1 if match["past_unit"] else 0
    if unit in _DAYS_OF:
        start = today - timedelta(days=today.weekday() if unit == "week" else 0)
        start -= timedelta(days=back * _DAYS_OF[unit])
        return start, start + timedelta(days=_DAYS_OF[unit])
    length = _MONTHS_OF[unit]
    first = (today.month - 1) // length * length + 1
    return _months(today.year, first - back * length, length)


def _months(year: int, month: int, count: int) -> tuple[datetime, datetime]:
    """So many months from the first of a month, which may lie outside 1 to 12."""

    def first_of(number: int) -> datetime:
        return datetime(year + (number - 1) // 12, (number - 1) % 12 + 1, 1, tzinfo=UTC)

    return first_of(month), first_of(month + count)


def _month(name: str) -> int:
    return int(name) if name.isdigit() else _MONTH_NUMBERS[name.lower().removesuffix(".")]
