"""How long something has not moved, by the stopwatch of who looks."""

from hypothesis import given
from hypothesis import strategies as st

from twin_common.standstill import Standstill


class _Stopwatch:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_it_begins_with_the_first_look_and_again_with_every_move() -> None:
    stopwatch = _Stopwatch()
    standstill = Standstill(stopwatch)
    assert standstill.seconds(None, stopwatch.now) == 0
    stopwatch.now += 5
    assert standstill.seconds(None, stopwatch.now) == 5
    assert standstill.seconds(("ada", 1), stopwatch.now) == 0
    stopwatch.now += 3
    assert standstill.seconds(("ada", 1), stopwatch.now) == 3


def test_a_slow_answer_does_not_count_as_waiting() -> None:
    stopwatch = _Stopwatch()
    standstill = Standstill(stopwatch)
    asked_at = stopwatch.now
    stopwatch.now += 60
    assert standstill.seconds(1, asked_at) == 0
    asked_at = stopwatch.now
    stopwatch.now += 60
    assert standstill.seconds(1, asked_at) == 0


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(0, 100), st.floats(0, 100))))
def test_it_is_never_longer_than_the_value_has_stood(looks: list[tuple[int, float, float]]) -> None:
    stopwatch = _Stopwatch()
    standstill, last, came_at = Standstill(stopwatch), -1, 0.0
    for value, pause, answering in looks:
        asked_at = stopwatch.now = stopwatch.now + pause
        stopwatch.now += answering
        if value != last:
            last, came_at = value, stopwatch.now
        assert 0 <= standstill.seconds(value, asked_at) <= stopwatch.now - came_at
