from dataclasses import replace

from services.trainer.tests.test_experiments import trained
from twin_trainer.curves import learning_curve
from twin_trainer.progress import CurvePoint


class TestLearningCurve:
    """What is shown of a training's course."""

    def test_a_short_one_is_whole(self) -> None:
        curve = learning_curve(trained(1.5))
        assert [(point.step, point.loss, point.held_out_loss) for point in curve.points] == [
            (1, 2.0, None),
            (2, 1.4, 1.5),
        ]

    def test_a_long_one_keeps_its_ends_and_every_held_out_loss(self) -> None:
        points = tuple(CurvePoint(step, 3.0, 3.5 if step % 1001 == 0 else None) for step in range(1, 5006))
        curve = learning_curve(replace(trained(1.5), curve=points))
        steps = [point.step for point in curve.points]
        assert (steps[0], steps[-1]) == (1, 5005)
        assert {1001, 2002, 3003, 4004, 5005} <= set(steps)
        assert 200 <= len(steps) <= 205
        assert steps == sorted(set(steps))
