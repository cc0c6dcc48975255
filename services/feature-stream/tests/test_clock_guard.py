"""A clock that is set back is noticed, whatever else the clocks do."""

import pytest

from twin_feature_stream.clock_guard import ClockGuard


class _Clocks:
    """A wall clock that can be set, and a steady one."""

    def __init__(self) -> None:
        self.steady = 100.0
        self.ahead = 1_700_000_000.0

    def guard(self) -> ClockGuard:
        return ClockGuard(lambda: self.steady + self.ahead, lambda: self.steady)


class TestClockGuard:
    @pytest.mark.parametrize("step", [0.0, 3600.0, -0.5])
    def test_going_on_jumping_ahead_and_small_corrections_are_no_step_back(self, step: float) -> None:
        clocks = _Clocks()
        guard = clocks.guard()
        clocks.steady += 50_000
        clocks.ahead += step
        assert guard.seconds_set_back() == 0

    def test_a_step_back_is_told_once(self) -> None:
        clocks = _Clocks()
        guard = clocks.guard()
        clocks.steady += 1
        clocks.ahead -= 3600
        assert guard.seconds_set_back() == pytest.approx(3600)
        assert guard.seconds_set_back() == 0

    def test_a_step_back_after_one_ahead_counts(self) -> None:
        clocks = _Clocks()
        guard = clocks.guard()
        clocks.ahead += 3600
        assert guard.seconds_set_back() == 0
        clocks.ahead -= 3600
        assert guard.seconds_set_back() == pytest.approx(3600)
