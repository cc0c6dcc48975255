"""Models, reports and releases, against a real server."""

import asyncio
from datetime import UTC, datetime

import pytest

from twin_common.events import ModelChanged
from twin_common.identity import AuthorId
from twin_common.models import (
    ForbiddenStage,
    ModelOutcomes,
    ModelRecord,
    ModelStage,
    ServingAddress,
    StageChange,
)
from twin_common.warehouse import ModelReport, UnknownModel, Warehouse

_ADA, _BOB = AuthorId("ada"), AuthorId("bob")
_NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def _record(model_id: str = "ada-1", author: AuthorId = _ADA, *stages: ModelStage) -> ModelRecord:
    steps = stages or (ModelStage.TRAINED,)
    return ModelRecord(
        model_id=model_id,
        author_id=author,
        job_key="1",
        dataset_id="d",
        base_model="b",
        location=f"models/{model_id}",
        history=tuple(StageChange(stage=stage, at=_NOON, who="trainer", why="done") for stage in steps),
    )


async def _deployed(warehouse: Warehouse, model_id: str) -> None:
    stages = (ModelStage.TRAINED, ModelStage.EVALUATED, ModelStage.APPROVED, ModelStage.DEPLOYED)
    await warehouse.models.add(_record(model_id, _ADA, *stages))
    await warehouse.models.change_release(
        _ADA, lambda release: release.with_canary(model_id, 0.5, _NOON).promoted()
    )


class TestRecords:
    async def test_a_model_comes_back_as_it_was_added_and_adding_again_changes_nothing(
        self, warehouse: Warehouse
    ) -> None:
        await warehouse.models.add(_record())
        await warehouse.models.move("ada-1", ModelStage.EVALUATED, "gate", "all rules hold")
        await warehouse.models.add(_record())
        found = await warehouse.models.get("ada-1", _ADA)
        assert [step.stage for step in found.history] == [ModelStage.TRAINED, ModelStage.EVALUATED]
        assert found.history[0] == _record().history[0]

    async def test_another_author_sees_nothing_of_it(self, warehouse: Warehouse) -> None:
        await warehouse.models.add(_record())
        await warehouse.models.put_report(
            ModelReport(model_id="ada-1", author_id=_ADA, json_text="{}", html="", markdown="")
        )
        assert await warehouse.models.all(_BOB) == []
        with pytest.raises(UnknownModel):
            await warehouse.models.get("ada-1", _BOB)
        with pytest.raises(UnknownModel):
            await warehouse.models.report("ada-1", _BOB)
        with pytest.raises(UnknownModel):
            await warehouse.models.move("ada-1", ModelStage.EVALUATED, "bob", "mine", _BOB)

    async def test_of_two_who_decide_at_once_one_is_refused(self, warehouse: Warehouse) -> None:
        await warehouse.models.add(_record("ada-1", _ADA, ModelStage.TRAINED, ModelStage.EVALUATED))
        outcomes = await asyncio.gather(
            warehouse.models.move("ada-1", ModelStage.REJECTED, "one", "no"),
            warehouse.models.move("ada-1", ModelStage.REJECTED, "two", "no"),
            return_exceptions=True,
        )
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["ForbiddenStage", "ModelRecord"]

    async def test_an_erased_author_has_no_models(self, warehouse: Warehouse) -> None:
        await warehouse.models.add(_record())
        await warehouse.models.change_release(_ADA, lambda release: release.with_canary("ada-1", 1, _NOON))
        await warehouse.erasures.erase_author(_ADA)
        await warehouse.models.add(_record())
        assert await warehouse.models.all(_ADA) == []
        assert await warehouse.models.releases() == []


class TestAnnouncing:
    async def test_a_step_is_unannounced_until_it_is_confirmed(self, warehouse: Warehouse) -> None:
        await warehouse.models.add(_record())
        await warehouse.models.set_announced("ada-1", 1)
        assert await warehouse.models.unannounced() == []
        moved = await warehouse.models.move("ada-1", ModelStage.REJECTED, "gate", "it repeats itself")
        [event] = ModelChanged.steps(moved)
        assert (event.event_id, event.stage, event.who) == ("ada-1/1", ModelStage.REJECTED, "gate")
        assert [record.model_id for record in await warehouse.models.unannounced()] == ["ada-1"]


class TestRelease:
    async def test_a_roll_back_sends_questions_to_the_model_before(self, warehouse: Warehouse) -> None:
        await _deployed(warehouse, "ada-1")
        await _deployed(warehouse, "ada-2")
        record = await warehouse.models.roll_back("ada-2", "key-1", "it swears", _ADA)
        assert record.stage is ModelStage.ROLLED_BACK
        assert (await warehouse.models.release(_ADA)).models == ("ada-1",)

    async def test_what_was_never_deployed_is_not_rolled_back(self, warehouse: Warehouse) -> None:
        await _deployed(warehouse, "ada-1")
        await warehouse.models.add(_record("ada-2"))
        with pytest.raises(ForbiddenStage):
            await warehouse.models.roll_back("ada-2", "key-1", "why not", _ADA)
        assert (await warehouse.models.release(_ADA)).models == ("ada-1",)

    async def test_changes_at_once_are_all_kept(self, warehouse: Warehouse) -> None:
        for name in ("ada-1", "ada-2", "ada-3"):
            await _deployed(warehouse, name)
        await asyncio.gather(
            *(
                warehouse.models.roll_back(name, "test", "all of them", _ADA)
                for name in ("ada-1", "ada-2", "ada-3")
            )
        )
        release = await warehouse.models.release(_ADA)
        assert (release.models, release.previous) == ((), ())


class TestOutcomes:
    async def test_answers_and_failures_are_counted(self, warehouse: Warehouse) -> None:
        for failed in (False, True, False):
            await warehouse.models.count_answer("ada-1", _ADA, failed=failed)
        assert await warehouse.models.outcomes("ada-1") == ModelOutcomes(answers=3, failures=1)
        assert await warehouse.models.outcomes("ada-2") == ModelOutcomes()

    async def test_where_a_model_answers_is_remembered(self, warehouse: Warehouse) -> None:
        await warehouse.models.add(_record())
        served = ServingAddress(url="http://127.0.0.1:1/v1", name="ada-1")
        await warehouse.models.set_served("ada-1", served)
        assert (await warehouse.models.get("ada-1")).served == served


class TestErasure:
    async def test_a_model_says_which_of_its_documents_are_erased(self, warehouse: Warehouse) -> None:
        await warehouse.models.add(_record())
        for documents in (("b",), ("a", "b")):
            await warehouse.models.mark_erased("ada-1", documents)
        assert (await warehouse.models.get("ada-1")).erased_sources == ("a", "b")

    async def test_a_release_comes_with_the_models_of_its_author_production_first(
        self, warehouse: Warehouse
    ) -> None:
        await _deployed(warehouse, "ada-1")
        await warehouse.models.add(_record("ada-0"))
        await warehouse.models.add(_record("ada-9"))
        await warehouse.models.change_release(_ADA, lambda release: release.with_canary("ada-0", 0.1, _NOON))
        [(release, records)] = await warehouse.models.released()
        assert release == await warehouse.models.release(_ADA)
        assert records == (await warehouse.models.get("ada-1"), await warehouse.models.get("ada-0"))

    async def test_a_released_model_that_is_gone_or_anothers_is_left_out(self, warehouse: Warehouse) -> None:
        await warehouse.models.add(_record("bob-1", _BOB))
        await warehouse.models.change_release(_ADA, lambda release: release.with_canary("bob-1", 1, _NOON))
        await warehouse.models.change_release(_BOB, lambda release: release.with_canary("bob-2", 1, _NOON))
        released = await warehouse.models.released()
        assert {release.author_id: records for release, records in released} == {_ADA: (), _BOB: ()}
