"""The course of a training as its readers are shown it."""

from collections.abc import Sequence

from twin_common.models import LearningCurve, LearningPoint
from twin_trainer.progress import TrainedAdapter

_MOST_POINTS = 200
"""Of a curve; a screen shows no more, and a long training has thousands."""


def learning_curve(stage: TrainedAdapter) -> LearningCurve:
    """Of a stage: every held-out loss, and training losses at even distances from the first to the last."""
    points = stage.curve
    kept = set(_evenly([place for place, point in enumerate(points) if point.loss is not None]))
    kept |= {place for place, point in enumerate(points) if point.held_out_loss is not None}
    return LearningCurve(
        name=stage.stage,
        points=tuple(
            LearningPoint(step=point.step, loss=point.loss, held_out_loss=point.held_out_loss)
            for place, point in enumerate(points)
            if place in kept
        ),
    )


def _evenly(places: Sequence[int]) -> list[int]:
    if len(places) <= _MOST_POINTS:
        return list(places)
    return [places[number * (len(places) - 1) // (_MOST_POINTS - 1)] for number in range(_MOST_POINTS)]
