"""When an engine is left alone, and when it is tried again."""

from hypothesis import given
from hypothesis import strategies as st

from twin_rag_api.generation.circuit_breaker import Admission, BreakerPolicy, CircuitBreaker, Outcome

POLICY = BreakerPolicy(failures=3, pause_seconds=10, longest_pause_seconds=40)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def opened() -> tuple[CircuitBreaker, Clock]:
    clock = Clock()
    breaker = CircuitBreaker(POLICY, clock)
    for _ in range(3):
        settle(breaker, Outcome.FAILED)
    return breaker, clock


def settle(breaker: CircuitBreaker, outcome: Outcome) -> None:
    admission = breaker.admit()
    assert admission is not None
    breaker.settle(admission, outcome)


class TestOpening:
    def test_three_failures_in_a_row_open_it(self) -> None:
        breaker, _ = opened()
        assert breaker.admit() is None

    def test_a_success_between_starts_the_count_anew(self) -> None:
        breaker = CircuitBreaker(POLICY, Clock())
        for outcome in (Outcome.FAILED, Outcome.FAILED, Outcome.SUCCEEDED, Outcome.FAILED, Outcome.FAILED):
            settle(breaker, outcome)
        assert breaker.admit() is Admission.CLOSED

    def test_callers_who_leave_say_nothing(self) -> None:
        breaker = CircuitBreaker(POLICY, Clock())
        for _ in range(10):
            settle(breaker, Outcome.WITHDRAWN)
        assert breaker.admit() is Admission.CLOSED


class TestProbing:
    def test_after_the_pause_exactly_one_goes_through(self) -> None:
        breaker, clock = opened()
        clock.now = 10.0
        assert breaker.admit() is Admission.PROBE
        assert breaker.admit() is None

    def test_a_probe_that_succeeds_closes_it(self) -> None:
        breaker, clock = opened()
        clock.now = 10.0
        settle(breaker, Outcome.SUCCEEDED)
        assert breaker.admit() is Admission.CLOSED

    def test_every_failed_probe_doubles_the_pause_up_to_the_longest(self) -> None:
        breaker, clock = opened()
        for pause in (10, 20, 40, 40, 40):
            clock.now += pause - 1
            assert breaker.admit() is None
            clock.now += 1
            settle(breaker, Outcome.FAILED)

    def test_a_probe_whose_caller_leaves_lets_the_next_one_try(self) -> None:
        breaker, clock = opened()
        clock.now = 10.0
        settle(breaker, Outcome.WITHDRAWN)
        assert breaker.admit() is Admission.PROBE

    def test_late_news_of_old_questions_changes_nothing(self) -> None:
        clock = Clock()
        breaker = CircuitBreaker(POLICY, clock)
        admissions = [breaker.admit() for _ in range(5)]
        for admission in admissions[:3]:
            assert admission is not None
            breaker.settle(admission, Outcome.FAILED)
        for admission in admissions[3:]:
            assert admission is not None
            breaker.settle(admission, Outcome.SUCCEEDED)
        assert breaker.admit() is None


class TestInvariants:
    @given(st.lists(st.tuples(st.floats(0, 30), st.sampled_from(Outcome)), max_size=60))
    def test_it_always_opens_again_in_the_end(self, history: list[tuple[float, Outcome]]) -> None:
        clock = Clock()
        breaker = CircuitBreaker(POLICY, clock)
        for wait, outcome in history:
            clock.now += wait
            admission = breaker.admit()
            if admission is not None:
                breaker.settle(admission, outcome)
        clock.now += POLICY.longest_pause_seconds
        assert breaker.admit() is not None
