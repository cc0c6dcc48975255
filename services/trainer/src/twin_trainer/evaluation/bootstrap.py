"""Intervals by resampling whole units: documents, paragraphs or questions, never the sentences within them.

A figure is written as a function of how often each unit was drawn, so that every figure, and every difference
between two models over the same units, gets its interval in the same way: the percentile bootstrap of
Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13; resampling clusters whole as in
Davison and Hinkley, Bootstrap Methods and their Application (1997), section 3.8.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin_trainer.evaluation.report import Interval

_LEAST_NUMBERS = 0.99
"""Of the draws: one that took empty texts alone says nothing, but a broken model has no good side to show."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BootstrapPolicy:
    """How intervals are made."""

    draws: int = 2000
    confidence: float = 0.95
    seed: int = 1


@dataclass(frozen=True)
class Measure:
    """A figure over units that can be drawn again."""

    blocks: tuple[int, ...]
    """How many units of each kind there are; each kind is drawn by itself."""
    statistic: Callable[[Floats], Floats]
    """From how often each unit was drawn, (draws, units), to the figure of every draw, (draws,)."""

    def minus(self, other: "Measure") -> "Measure":
        """The difference, paired: both see the same draws of the same units.

        Raises:
            ValueError: they are not over the same units.
        """
        if self.blocks != other.blocks:
            raise ValueError(f"measures over {self.blocks} and {other.blocks} units cannot be paired")
        return Measure(self.blocks, lambda weights: self.statistic(weights) - other.statistic(weights))

    def beside(self, other: "Measure", combine: Callable[[Floats, Floats], Floats]) -> "Measure":
        """A figure of two measures over units of different kinds."""
        mine = sum(self.blocks)
        return Measure(
            (*self.blocks, *other.blocks),
            lambda weights: combine(self.statistic(weights[:, :mine]), other.statistic(weights[:, mine:])),
        )


def ratio(numerators: Sequence[float], denominators: Sequence[float]) -> Measure:
    """A quotient of sums over units, such as nats per token."""
    above, below = np.asarray(numerators, dtype=float), np.asarray(denominators, dtype=float)

    def statistic(weights: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            found: Floats = (weights @ above) / (weights @ below)
        return found

    return Measure((len(above),), statistic)


def largest(values: Sequence[float]) -> Measure:
    """The largest value among the units that were drawn."""
    each = np.asarray(values, dtype=float)
    return Measure((len(each),), lambda weights: np.where(weights > 0, each, -np.inf).max(axis=1))


def interval(measure: Measure, policy: BootstrapPolicy) -> Interval | None:
    """The estimate and its bounds; None where there is no unit of some kind."""
    if not all(measure.blocks):
        return None
    random = np.random.default_rng(policy.seed)
    drawn = np.hstack(
        [random.multinomial(units, np.full(units, 1 / units), size=policy.draws) for units in measure.blocks]
    ).astype(float)
    tail = (1 - policy.confidence) / 2
    estimate = float(measure.statistic(np.ones((1, sum(measure.blocks))))[0])
    values = measure.statistic(drawn)
    numbers = values[np.isfinite(values)]
    if not np.isfinite(estimate) or len(numbers) < _LEAST_NUMBERS * policy.draws:
        return Interval(estimate=estimate, low=float("nan"), high=float("nan"))
    low, high = np.quantile(numbers, [tail, 1 - tail])
    return Interval(estimate=estimate, low=float(low), high=float(high))
