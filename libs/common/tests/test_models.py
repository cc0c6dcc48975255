"""The life of a model, and which of an author's models answers."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_common.identity import AuthorId
from twin_common.models import FOLLOWS, ForbiddenStage, ModelRecord, ModelStage, Release, StageChange

_ADA = AuthorId("ada")
_NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
_MODELS = st.sampled_from(["one", "two", "three"])


def _record(*stages: ModelStage) -> ModelRecord:
    return ModelRecord(
        model_id="ada-1",
        author_id=_ADA,
        job_key="1",
        dataset_id="d",
        base_model="b",
        location="models/ada-1",
        history=tuple(_step(stage) for stage in stages),
    )


def _step(stage: ModelStage) -> StageChange:
    return StageChange(stage=stage, at=_NOON, who="test", why="because")


class TestStages:
    @pytest.mark.parametrize(
        "stage", [stage for stage in ModelStage if stage not in FOLLOWS[ModelStage.TRAINED]]
    )
    def test_nothing_reaches_an_author_without_a_gate_and_a_person(self, stage: ModelStage) -> None:
        with pytest.raises(ForbiddenStage, match="only evaluated, rejected follows"):
            _record(ModelStage.TRAINED).moved(_step(stage))

    def test_a_rejected_model_stays_rejected(self) -> None:
        rejected = _record(ModelStage.TRAINED, ModelStage.REJECTED)
        for stage in ModelStage:
            with pytest.raises(ForbiddenStage, match="nothing follows"):
                rejected.moved(_step(stage))

    def test_every_way_to_deployed_passes_through_evaluated_and_approved(self) -> None:
        def ways(way: tuple[ModelStage, ...]) -> list[tuple[ModelStage, ...]]:
            if way[-1] is ModelStage.DEPLOYED:
                return [way]
            return [
                longer for stage in FOLLOWS[way[-1]] if stage not in way for longer in ways((*way, stage))
            ]

        found = ways((ModelStage.TRAINED,))
        assert found
        for way in found:
            assert way.index(ModelStage.EVALUATED) < way.index(ModelStage.APPROVED)

    def test_a_step_is_added_and_nothing_is_taken_away(self) -> None:
        before = _record(ModelStage.TRAINED)
        after = before.moved(_step(ModelStage.EVALUATED))
        assert after.history == (*before.history, _step(ModelStage.EVALUATED))
        assert (before.stage, after.stage) == (ModelStage.TRAINED, ModelStage.EVALUATED)


class TestRelease:
    def test_rolling_back_a_promoted_model_brings_the_earlier_one_back(self) -> None:
        first = Release(author_id=_ADA).with_canary("one", 0.1, _NOON).promoted()
        second = first.with_canary("two", 0.1, _NOON).promoted()
        assert second.without("two") == first

    def test_rolling_back_a_canary_leaves_production_alone(self) -> None:
        production = Release(author_id=_ADA).with_canary("one", 0.1, _NOON).promoted()
        assert production.with_canary("two", 0.1, _NOON).without("two") == production

    @given(st.lists(st.tuples(st.sampled_from(["try", "promote", "remove"]), _MODELS), max_size=12))
    def test_a_removed_model_is_nowhere_and_no_model_falls_back_to_itself(
        self, steps: list[tuple[str, str]]
    ) -> None:
        release = Release(author_id=_ADA)
        for action, model in steps:
            if action == "try":
                release = release.with_canary(model, 0.1, _NOON)
            elif action == "promote":
                release = release.promoted()
            else:
                release = release.without(model)
                assert model not in (*release.models, *release.previous)
            assert release.production not in release.previous
            assert len(set(release.previous)) == len(release.previous)
