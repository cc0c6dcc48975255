"""When an approved model is loaded, tried, trusted and taken back."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_common.identity import AuthorId
from twin_common.models import ModelOutcomes, ModelRecord, ModelStage, Release, ServingAddress, StageChange
from twin_trainer.release import Decision, Move, ReleasePolicy, decide_release

_ADA = AuthorId("ada")
_NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
_LIVE = (ModelStage.APPROVED, ModelStage.DEPLOYED)
_POLICY = ReleasePolicy(
    canary_share=0.1,
    canary_seconds=3600,
    canary_answers=20,
    max_failure_share=0.2,
    max_thumbs_down_share=0.6,
    load_seconds=900,
)
_NOBODY = Release(author_id=_ADA)
_PRODUCTION = Release(author_id=_ADA, production="ada-0")
_TRIED = _PRODUCTION.with_canary("ada-1", 0.1, _NOON)


def _record(stage: ModelStage, *, served: bool = True) -> ModelRecord:
    return ModelRecord(
        model_id="ada-1",
        author_id=_ADA,
        job_key="1",
        dataset_id="d",
        base_model="b",
        location="models/ada-1",
        history=(StageChange(stage=stage, at=_NOON, who="test", why="because"),),
        served=ServingAddress(url="http://model", name="ada-1") if served else None,
    )


def _decide(
    record: ModelRecord, release: Release, outcomes: ModelOutcomes | None = None, seconds: float = 0
) -> Decision | None:
    now = _NOON + timedelta(seconds=seconds)
    return decide_release(record, release, outcomes or ModelOutcomes(), _POLICY, now)


def _move(decision: Decision | None) -> Move | None:
    return decision.move if decision else None


class TestApproved:
    def test_it_is_loaded_first(self) -> None:
        assert _move(_decide(_record(ModelStage.APPROVED, served=False), _PRODUCTION)) is Move.LOAD

    def test_it_waits_while_another_is_on_trial(self) -> None:
        other = _PRODUCTION.with_canary("ada-9", 0.1, _NOON)
        assert _decide(_record(ModelStage.APPROVED, served=False), other) is None

    def test_once_it_answers_it_is_tried_beside_the_one_in_production(self) -> None:
        assert _move(_decide(_record(ModelStage.APPROVED), _TRIED)) is Move.TRY

    def test_the_first_of_an_author_has_nothing_to_be_tried_beside(self) -> None:
        loaded = _NOBODY.with_canary("ada-1", 0.0, _NOON)
        assert _move(_decide(_record(ModelStage.APPROVED), loaded)) is Move.PROMOTE

    @pytest.mark.parametrize(("seconds", "move"), [(899, None), (901, Move.ROLL_BACK)])
    def test_one_that_nobody_serves_is_taken_back(self, seconds: float, move: Move | None) -> None:
        unserved = _record(ModelStage.APPROVED, served=False)
        assert _move(_decide(unserved, _TRIED, seconds=seconds)) is move


class TestOnTrial:
    @pytest.mark.parametrize(
        ("answers", "seconds", "move"), [(20, 3600, Move.PROMOTE), (19, 3600, None), (20, 3599, None)]
    )
    def test_it_is_promoted_after_long_enough_and_answers_enough(
        self, answers: int, seconds: float, move: Move | None
    ) -> None:
        outcomes = ModelOutcomes(answers=answers)
        assert _move(_decide(_record(ModelStage.DEPLOYED), _TRIED, outcomes, seconds)) is move

    @pytest.mark.parametrize(
        ("outcomes", "why"),
        [
            (ModelOutcomes(answers=10, failures=3), "3 of 10 answers failed, more than 20%"),
            (
                ModelOutcomes(answers=10, thumbs_up=1, thumbs_down=3),
                "3 of 4 thumbs point down, more than 60%",
            ),
        ],
    )
    def test_failures_and_thumbs_take_it_back(self, outcomes: ModelOutcomes, why: str) -> None:
        for release in (_TRIED, _TRIED.promoted()):
            assert _decide(_record(ModelStage.DEPLOYED), release, outcomes) == Decision(Move.ROLL_BACK, why)

    @pytest.mark.parametrize(
        "outcomes", [ModelOutcomes(answers=4, failures=4), ModelOutcomes(answers=9, thumbs_down=2)]
    )
    def test_a_handful_says_nothing(self, outcomes: ModelOutcomes) -> None:
        assert _decide(_record(ModelStage.DEPLOYED), _TRIED, outcomes) is None


class TestAlways:
    @given(
        st.sampled_from(
            [ModelStage.TRAINED, ModelStage.EVALUATED, ModelStage.REJECTED, ModelStage.ROLLED_BACK]
        ),
        st.sampled_from([_NOBODY, _PRODUCTION, _TRIED]),
        st.integers(0, 100),
        st.floats(0, 1e6),
    )
    def test_what_no_person_approved_is_never_moved(
        self, stage: ModelStage, release: Release, answers: int, seconds: float
    ) -> None:
        assert _decide(_record(stage), release, ModelOutcomes(answers=answers), seconds) is None

    @given(st.integers(5, 1000), st.integers(0, 1000), st.floats(0, 1e6))
    def test_a_model_that_fails_too_often_is_never_promoted(
        self, answers: int, failures: int, seconds: float
    ) -> None:
        failures = min(failures, answers)
        decision = _decide(
            _record(ModelStage.DEPLOYED), _TRIED, ModelOutcomes(answers=answers, failures=failures), seconds
        )
        assert (_move(decision) is Move.ROLL_BACK) == (failures / answers > _POLICY.max_failure_share)
