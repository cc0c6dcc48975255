"""Intervals as drawings: SVG that stands in a page, is read aloud by its words, and needs no colours."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import isfinite

from twin_trainer.evaluation.report import Interval

_WIDTH, _LABELS, _VALUES, _ROW, _TOP = 760, 220, 190, 30, 14


@dataclass(frozen=True)
class Row:
    """One line of a chart."""

    label: str
    interval: Interval
    is_reference: bool = False
    """Drawn as a diamond: what the others are compared with."""


@dataclass(frozen=True)
class Scale:
    """From values to places on the line."""

    low: float
    high: float

    @classmethod
    def over(cls, intervals: Sequence[Interval], with_zero: bool) -> "Scale":
        """Wide enough for all numbers among the bounds; of any width where there are none."""
        bounds = [
            value for one in intervals for value in (one.low, one.estimate, one.high) if isfinite(value)
        ]
        if with_zero or not bounds:
            bounds.append(0.0)
        low, high = min(bounds), max(bounds)
        room = (high - low) * 0.05 or 0.5
        return cls(low - room, high + room)

    def at(self, value: float) -> float:
        """The place from the left edge of the drawing."""
        share = (value - self.low) / (self.high - self.low)
        return round(_LABELS + share * (_WIDTH - _LABELS - _VALUES), 1)


def interval_chart(title: str, rows: Sequence[Row], digits: int, with_zero: bool = False) -> str:
    """One row for each interval, with the numbers beside it.

    Args:
        title: what is read aloud, before the rows.
        with_zero: whether zero is on the scale, with a line through it: for differences.
    """
    scale = Scale.over([row.interval for row in rows], with_zero)
    height = _TOP * 2 + _ROW * len(rows)
    spoken = "; ".join(f"{row.label} {_numbers(row.interval, digits)}" for row in rows)
    zero = ""
    if with_zero:
        place = scale.at(0.0)
        zero = f'<line class="zero" x1="{place}" x2="{place}" y1="{_TOP}" y2="{height - _TOP}"/>'
    drawn = "".join(_drawn(row, number, scale, digits) for number, row in enumerate(rows))
    return (
        f'<svg role="img" viewBox="0 0 {_WIDTH} {height}" aria-label="{escape(f"{title}: {spoken}")}">'
        f"{zero}{drawn}</svg>"
    )


def _drawn(row: Row, number: int, scale: Scale, digits: int) -> str:
    middle = _TOP + _ROW * number + _ROW / 2
    parts = [
        f'<text x="0" y="{middle + 5}">{escape(row.label)}</text>',
        f'<text class="number" x="{_WIDTH}" y="{middle + 5}">{escape(_numbers(row.interval, digits))}</text>',
    ]
    if row.interval.is_finite:
        low, high = scale.at(row.interval.low), scale.at(row.interval.high)
        parts.append(f'<line class="bounds" x1="{low}" x2="{high}" y1="{middle}" y2="{middle}"/>')
    if isfinite(row.interval.estimate):
        place = scale.at(row.interval.estimate)
        parts.append(
            f'<path class="estimate" d="M{place} {middle - 6}l6 6l-6 6l-6 -6z"/>'
            if row.is_reference
            else f'<circle class="estimate" cx="{place}" cy="{middle}" r="5"/>'
        )
    return "".join(parts)


def _numbers(found: Interval, digits: int) -> str:
    return f"{found.estimate:.{digits}f} [{found.low:.{digits}f}, {found.high:.{digits}f}]"
