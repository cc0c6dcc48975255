"""Models are moved on and every step is announced, against a real warehouse and a real registry."""

import json
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from twin_common.errors import ServerUnavailable
from twin_common.events import FeedbackGiven, ModelChanged, Rating
from twin_common.identity import AuthorId
from twin_common.models import ModelRecord, ModelStage, ServingAddress, StageChange
from twin_common.warehouse import Warehouse
from twin_trainer.registry import FolderRegistry
from twin_trainer.release import ReleasePolicy
from twin_trainer.releases import Releases
from twin_trainer.vllm import VllmServing

_ADA = AuthorId("ada")
_NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
_AT_ONCE = ReleasePolicy(
    canary_share=0.1,
    canary_seconds=0,
    canary_answers=2,
    max_failure_share=0.2,
    max_thumbs_down_share=0.6,
    load_seconds=1e9,
)


class _Bus:
    """Keeps what is published; `is_away` refuses it."""

    def __init__(self) -> None:
        self.events: list[ModelChanged] = []
        self.is_away = False

    async def publish(self, event: ModelChanged) -> None:
        if self.is_away:
            raise ServerUnavailable("Kafka is away")
        self.events.append(event)

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(event.model_id, event.stage.value) for event in self.events]


@pytest.fixture
def bus() -> _Bus:
    return _Bus()


@pytest.fixture
def releases(warehouse: Warehouse, tmp_path: Path, bus: _Bus) -> Releases:
    return Releases(
        models=warehouse.models,
        feedback=warehouse.feedback,
        registry=FolderRegistry(tmp_path),
        policy=_AT_ONCE,
        publish=bus.publish,
    )


async def _approve(warehouse: Warehouse, model_id: str) -> None:
    stages = (ModelStage.TRAINED, ModelStage.EVALUATED, ModelStage.APPROVED)
    record = ModelRecord(
        model_id=model_id,
        author_id=_ADA,
        job_key="1",
        dataset_id="d",
        base_model="b",
        location=f"models/{model_id}",
        history=tuple(StageChange(stage=stage, at=_NOON, who="test", why="because") for stage in stages),
        announced=len(stages),
    )
    await warehouse.models.add(record)


async def _serve(warehouse: Warehouse, model_id: str) -> None:
    await warehouse.models.set_served(model_id, ServingAddress(url="http://model/v1", name=model_id))


async def _put_into_production(warehouse: Warehouse, releases: Releases, model_id: str) -> None:
    await _approve(warehouse, model_id)
    await releases.look()
    await _serve(warehouse, model_id)
    await releases.look()
    for _ in range(2):
        await warehouse.models.count_answer(model_id, _ADA, failed=False)
    await releases.look()
    assert (await warehouse.models.release(_ADA)).production == model_id


def _marked(registry: Path) -> str | None:
    mark = registry / "production/ada.json"
    return json.loads(mark.read_text())["location"] if mark.exists() else None


class TestDeploying:
    async def test_an_approved_model_reaches_production_by_itself(
        self, warehouse: Warehouse, releases: Releases, bus: _Bus, tmp_path: Path
    ) -> None:
        await _put_into_production(warehouse, releases, "ada-1")
        assert _marked(tmp_path) == "models/ada-1"
        assert bus.told == [("ada-1", "deployed")]

    async def test_a_second_one_is_tried_on_a_share_first(
        self, warehouse: Warehouse, releases: Releases, bus: _Bus, tmp_path: Path
    ) -> None:
        await _put_into_production(warehouse, releases, "ada-1")
        await _approve(warehouse, "ada-2")
        await releases.look()
        assert (await warehouse.models.release(_ADA)).canary_share == 0.0
        await _serve(warehouse, "ada-2")
        await releases.look()
        release = await warehouse.models.release(_ADA)
        assert (release.production, release.canary, release.canary_share) == ("ada-1", "ada-2", 0.1)
        assert _marked(tmp_path) == "models/ada-1"
        for _ in range(2):
            await warehouse.models.count_answer("ada-2", _ADA, failed=False)
        await releases.look()
        release = await warehouse.models.release(_ADA)
        assert (release.production, release.canary, release.previous) == ("ada-2", None, ("ada-1",))
        assert bus.told[1:] == [("ada-2", "deployed"), ("ada-2", "deployed")]


class TestRollingBack:
    async def test_a_model_that_fails_gives_way_to_the_one_before_within_one_look(
        self, warehouse: Warehouse, releases: Releases, bus: _Bus, tmp_path: Path
    ) -> None:
        await _put_into_production(warehouse, releases, "ada-1")
        await _put_into_production(warehouse, releases, "ada-2")
        for _ in range(8):
            await warehouse.models.count_answer("ada-2", _ADA, failed=True)
        await releases.look()
        assert (await warehouse.models.release(_ADA)).production == "ada-1"
        assert _marked(tmp_path) == "models/ada-1"
        record = await warehouse.models.get("ada-2")
        assert record.stage is ModelStage.ROLLED_BACK
        assert "8 of 10 answers failed" in record.history[-1].why
        assert bus.told[-1] == ("ada-2", "rolled_back")

    async def test_thumbs_that_point_down_do_the_same(self, warehouse: Warehouse, releases: Releases) -> None:
        await _put_into_production(warehouse, releases, "ada-1")
        for number in range(3):
            await warehouse.feedback.put(
                FeedbackGiven(
                    feedback_id=str(number),
                    author_id=_ADA,
                    completion_id="c",
                    model="ada-1",
                    prompt="p",
                    answer="a",
                    rating=Rating.DOWN,
                )
            )
        await releases.look()
        assert (await warehouse.models.release(_ADA)).models == ()
        assert (await warehouse.models.get("ada-1")).stage is ModelStage.ROLLED_BACK


class TestAnnouncing:
    async def test_a_step_is_announced_once_kafka_is_back_and_only_once(
        self, warehouse: Warehouse, releases: Releases, bus: _Bus
    ) -> None:
        await _approve(warehouse, "ada-1")
        await warehouse.models.move("ada-1", ModelStage.REJECTED, "key 1", "no")
        bus.is_away = True
        with pytest.raises(ServerUnavailable):
            await releases.look()
        bus.is_away = False
        await releases.look()
        await releases.look()
        [event] = bus.events
        assert (event.event_id, event.who, event.why) == ("ada-1/3", "key 1", "no")


class TestVllm:
    async def test_an_adapter_is_loaded_into_the_running_server_and_taken_out_again(
        self, warehouse: Warehouse, releases: Releases
    ) -> None:
        loaded: dict[str, str] = {}

        def answer(request: httpx.Request) -> httpx.Response:
            body = json.loads(request.content)
            if request.url.path == "/v1/load_lora_adapter":
                loaded[body["lora_name"]] = body["lora_path"]
            else:
                loaded.pop(body["lora_name"])
            return httpx.Response(200)

        releases.serving = VllmServing("http://vllm", transport=httpx.MockTransport(answer))
        await _approve(warehouse, "ada-1")
        for _ in range(3):
            await releases.look()
        assert loaded == {"ada-1": "/registry/models/ada-1/adapter"}
        record = await warehouse.models.get("ada-1")
        assert record.served == ServingAddress(url="http://vllm/v1", name="ada-1")
        assert record.stage is ModelStage.DEPLOYED

    async def test_a_server_that_is_away_changes_nothing(
        self, warehouse: Warehouse, releases: Releases
    ) -> None:
        releases.serving = VllmServing(
            "http://vllm", transport=httpx.MockTransport(lambda _: httpx.Response(500))
        )
        await _approve(warehouse, "ada-1")
        for _ in range(3):
            await releases.look()
        assert (await warehouse.models.get("ada-1")).stage is ModelStage.APPROVED
