"""A seed determines a try: what the owner does, what goes wrong, and when."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.chaos.plan import Scenario, make_plan
from tests.chaos.scenarios import SHORT_ENOUGH, Sizes, long_run
from tests.integration.history import Step, StepKind, Steps
from twin_common.identity import parse_author_id

_SEEDS = st.integers(min_value=0, max_value=2**32)


def _steps(seed: int, count: int) -> list[Step]:
    steps = Steps(parse_author_id("ada"), seed)
    return [steps.next() for _ in range(count)]


class TestPlan:
    @pytest.mark.parametrize("scenario", SHORT_ENOUGH, ids=lambda scenario: scenario.name)
    def test_one_seed_gives_one_plan_and_another_gives_another(self, scenario: Scenario) -> None:
        assert make_plan(scenario, 1) == make_plan(scenario, 1)
        assert make_plan(scenario, 1).faults != make_plan(scenario, 2).faults

    @given(seed=_SEEDS, scenario=st.sampled_from(SHORT_ENOUGH))
    def test_faults_are_in_order_within_the_history_and_last_as_long_as_allowed(
        self, seed: int, scenario: Scenario
    ) -> None:
        plan = make_plan(scenario, seed)
        times = [fault.after_writes for fault in plan.faults]
        assert len(times) == scenario.faults
        assert times == sorted(times)
        assert all(0 <= time < plan.writes for time in times)
        shortest, longest = scenario.seconds
        assert all(shortest <= fault.seconds <= longest for fault in plan.faults)

    def test_the_long_run_kills_each_process_ten_times(self) -> None:
        many, *_ = long_run(Sizes(20_000, 600, 300, 3))
        counts = Counter(fault.target for fault in make_plan(many, 1).faults)
        assert set(counts) == set(many.targets)
        assert min(counts.values()) >= 10


class TestHistory:
    @given(seed=_SEEDS)
    @settings(max_examples=20)
    def test_one_seed_gives_one_history_in_which_every_step_makes_sense(self, seed: int) -> None:
        steps = _steps(seed, 200)
        assert steps == _steps(seed, 200)
        alive: dict[int, str] = {}
        deleted: set[int] = set()
        for step in steps:
            match step.kind:
                case StepKind.INSERT:
                    assert step.number not in alive.keys() | deleted
                case StepKind.REINSERT:
                    assert step.number in deleted
                case StepKind.DUPLICATE | StepKind.DELETE:
                    assert step.draft.text == alive[step.number]
                case StepKind.GROW:
                    assert len(step.draft.text) > len(alive[step.number])
                case _:
                    assert step.draft.text != alive[step.number]
            if step.kind is StepKind.DELETE:
                deleted.add(step.number)
                del alive[step.number]
            else:
                deleted.discard(step.number)
                alive[step.number] = step.draft.text

    def test_a_fifth_are_edits_and_a_tenth_are_deletions(self) -> None:
        counts = Counter(step.kind for step in _steps(1, 5000))
        edits = counts[StepKind.EDIT] + counts[StepKind.GROW] + counts[StepKind.SHRINK]
        assert 0.15 < edits / 5000 < 0.25
        assert 0.07 < counts[StepKind.DELETE] / 5000 < 0.13
        assert set(counts) == set(StepKind)
