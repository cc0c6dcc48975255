"""What a dashboard consists of."""

from dataclasses import dataclass
from typing import Literal

Unit = Literal["none", "short", "s", "percentunit", "reqps", "ops", "cps", "bytes", "Bps", "dateTimeFromNow"]
"""As Grafana names them."""


@dataclass(frozen=True)
class Query:
    """A PromQL expression and how its series are named; `{{label}}` stands for a label's value."""

    expression: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """One picture: a course over time, or the newest value."""

    title: str
    meaning: str
    """What the reader learns from it, and what to think of it."""
    queries: tuple[Query, ...]
    unit: Unit = "short"
    kind: Literal["timeseries", "stat"] = "timeseries"
    threshold: float | None = None
    """From here on it is bad."""
    stacked: bool = False


@dataclass(frozen=True)
class Row:
    """Panels side by side, under a heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Dashboard:
    """One page; `uid` is its address in Grafana."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]

    @property
    def panels(self) -> tuple[Panel, ...]:
        return tuple(panel for row in self.rows for panel in row.panels)


def rate(series: str, by: str = "") -> str:
    """How much a counter grows a second, over all copies of a service; `by` keeps these labels apart."""
    grouping = f" by ({by})" if by else ""
    return f"sum{grouping} (rate({series}[$__rate_interval]))"


def ratio(part: str, whole: str) -> str:
    """One counter's growth as a share of another's; no number while the whole stands still."""
    return f"{rate(part)} / {rate(whole)}"


def quantile(share: float, histogram: str, by: str = "") -> str:
    """The value below which this share of a histogram's observations lies."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, sum by ({labels}) (rate({histogram}_bucket[$__rate_interval])))"


def quantiles(histogram: str, by: str = "") -> tuple[Query, ...]:
    """The median and the slow end."""
    name = f" {{{{{by}}}}}" if by else ""
    return (
        Query(quantile(0.5, histogram, by), f"p50{name}"),
        Query(quantile(0.95, histogram, by), f"p95{name}"),
    )
