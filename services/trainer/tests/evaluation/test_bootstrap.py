import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_trainer.evaluation.bootstrap import BootstrapPolicy, interval, largest, ratio

POLICY = BootstrapPolicy(draws=400)
_numbers = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=20)


@given(_numbers)
def test_the_bounds_hold_the_mean_and_stay_within_the_values(values: list[float]) -> None:
    found = interval(ratio(values, [1.0] * len(values)), POLICY)
    assert found is not None
    assert found.estimate == pytest.approx(np.mean(values), abs=1e-6)
    assert min(values) - 1e-6 <= found.low <= found.high <= max(values) + 1e-6


@given(_numbers)
def test_a_measure_does_not_differ_from_itself(values: list[float]) -> None:
    mean = ratio(values, [1.0] * len(values))
    found = interval(mean.minus(mean), POLICY)
    assert found is not None
    assert (found.low, found.estimate, found.high) == (0, 0, 0)


def test_an_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(7)
    covered = 0
    for _ in range(200):
        found = interval(ratio(random.normal(3, 1, 40).tolist(), [1.0] * 40), POLICY)
        assert found is not None
        covered += found.low <= 3 <= found.high
    assert 0.88 <= covered / 200 <= 0.99


def test_pairing_sees_a_difference_that_the_spread_between_units_hides() -> None:
    before = [10.0, 20.0, 30.0, 40.0, 50.0, 60.0]
    after = [value - 1 for value in before]
    ones = [1.0] * len(before)
    found = interval(ratio(after, ones).minus(ratio(before, ones)), POLICY)
    assert found is not None
    assert found.high < 0


def test_units_of_different_kinds_are_drawn_apart() -> None:
    one, other = ratio([1.0, 2.0], [1.0, 1.0]), ratio([5.0, 5.0, 5.0], [1.0, 1.0, 1.0])
    found = interval(one.beside(other, np.subtract), POLICY)
    assert found is not None
    assert (found.estimate, found.low, found.high) == (-3.5, -4, -3)
    with pytest.raises(ValueError, match="paired"):
        one.minus(other)


def test_what_is_no_number_has_no_bounds() -> None:
    found = interval(ratio([1.0, float("nan"), 2.0], [1.0] * 3), POLICY)
    assert found is not None
    assert not found.is_finite
    assert interval(ratio([], []), POLICY) is None


def test_draws_without_any_word_are_left_out() -> None:
    found = interval(ratio([0.0, *[1.0] * 9], [0.0, *[1.0] * 9]), POLICY)
    assert found is not None
    assert (found.low, found.high) == (1, 1)


def test_the_largest_of_the_units_that_were_drawn() -> None:
    found = interval(largest([1.0, 4.0, 2.0]), POLICY)
    assert found is not None
    assert found.estimate == found.high == 4
    assert found.low < 4
