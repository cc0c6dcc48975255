"""A person decides about trained models, and a deployed one answers under its own name."""

from collections.abc import AsyncGenerator, AsyncIterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer

from twin_common.events import ModelChanged, decode
from twin_common.identity import AuthorId
from twin_common.models import (
    RELEASED,
    JobProgress,
    LearningCurve,
    LearningPoint,
    ModelRecord,
    ModelStage,
    ServingAddress,
    StageChange,
    TrainingJob,
)
from twin_common.topics import MODELS_LIFECYCLE
from twin_common.warehouse import ModelReport
from twin_rag_api.deployed import SharedEngine
from twin_rag_api.generation.engines import Piece, Task, Text

from ..conftest import ADA, BOB, NOW, Api, StartApi, serving
from ..upstream import Upstream
from .test_chat import ask, fill
from .test_problems import problem

_EVALUATED = (ModelStage.TRAINED, ModelStage.EVALUATED)
_DEPLOYED = (*_EVALUATED, ModelStage.APPROVED, ModelStage.DEPLOYED)
_WHY = {"reason": "it sounds like me"}


async def _add(
    api: Api, model_id: str = "ada-1", stages: tuple[ModelStage, ...] = _EVALUATED, author: AuthorId = ADA
) -> None:
    history = tuple(
        StageChange(stage=stage, at=NOW + timedelta(minutes=minute), who="test", why="because")
        for minute, stage in enumerate(stages)
    )
    record = ModelRecord(
        model_id=model_id,
        author_id=author,
        job_key="1",
        dataset_id="ada-d",
        base_model="small",
        location=f"models/{model_id}",
        figures={"perplexity": 37.2, "base_perplexity": 48.2},
        curves=(LearningCurve(name="sft", points=(LearningPoint(step=1, loss=3.5),)),),
        history=history,
    )
    report = ModelReport(
        model_id=model_id, author_id=author, json_text='{"a": 1}', html="<p>a</p>", markdown="# a"
    )
    await api.resources.warehouse.models.add(record, report)


async def _deploy(api: Api, model_id: str, url: str, share: float | None = None) -> None:
    """As the trainer and the serving side do it; with a share: on trial."""
    models = api.resources.warehouse.models
    await _add(api, model_id, _DEPLOYED)
    await models.set_served(model_id, ServingAddress(url=f"{url}/v1", name=model_id))
    await models.change_release(
        ADA,
        lambda release: (
            release.with_canary(model_id, share, NOW)
            if share is not None
            else release.with_canary(model_id, 1.0, NOW).promoted()
        ),
    )
    await api.resources.deployed.look()


@pytest.fixture
async def upstream() -> AsyncIterator[tuple[Upstream, str]]:
    server = Upstream()
    async with serving(server.app) as url:
        yield server, url


class TestList:
    async def test_it_has_stage_figures_and_every_step(self, api: Api) -> None:
        await _add(api)
        [twin] = (await api.get("/v1/twins")).json()["twins"]
        assert (twin["id"], twin["stage"], twin["dataset_id"]) == ("ada-1", "evaluated", "ada-d")
        assert twin["figures"] == {"perplexity": 37.2, "base_perplexity": 48.2}
        points = [{"step": 1, "loss": 3.5, "held_out_loss": None}]
        assert twin["curves"] == [{"name": "sft", "points": points}]
        assert [step["stage"] for step in twin["history"]] == ["trained", "evaluated"]
        assert (twin["served_name"], twin["share"]) == (None, 0.0)

    async def test_a_deployed_model_says_how_it_is_asked(
        self, api: Api, upstream: tuple[Upstream, str]
    ) -> None:
        await _deploy(api, "ada-1", upstream[1])
        await _deploy(api, "ada-2", upstream[1], share=0.25)
        twins = {twin["id"]: twin for twin in (await api.get("/v1/twins")).json()["twins"]}
        assert (twins["ada-1"]["served_name"], twins["ada-1"]["share"]) == ("ada-1", 0.75)
        assert (twins["ada-2"]["served_name"], twins["ada-2"]["share"]) == ("ada-2", 0.25)

    async def test_a_training_under_way_is_shown_with_its_progress(self, api: Api) -> None:
        job = TrainingJob(
            job_key="k" * 64,
            author_id=ADA,
            dataset_id="ada-d",
            dataset_location="datasets/ada-d",
            base_model="small",
            configuration="{}",
            requested_by="test",
            created_at=NOW,
        )
        jobs = api.resources.warehouse.training_jobs
        await jobs.put(job)
        await jobs.claim(job, "one")
        await jobs.renew(job.job_key, "one", JobProgress(phase="sft", step=3, steps=9, loss=3.5))
        [training] = (await api.get("/v1/twins")).json()["trainings"]
        assert (training["id"], training["state"]) == (job.model_id, "running")
        assert (training["progress"]["phase"], training["progress"]["step"]) == ("sft", 3)

    async def test_another_author_sees_nothing_of_it(self, api: Api) -> None:
        await _add(api)
        assert (await api.get("/v1/twins", BOB)).json() == {"twins": [], "trainings": []}


class TestReport:
    @pytest.mark.parametrize(
        ("accept", "content_type", "text"),
        [
            ("*/*", "application/json", '{"a": 1}'),
            ("application/json", "application/json", '{"a": 1}'),
            ("text/html,application/xhtml+xml", "text/html", "<p>a</p>"),
            ("text/markdown", "text/markdown", "# a"),
        ],
    )
    async def test_it_comes_as_the_reader_wants_it(
        self, api: Api, accept: str, content_type: str, text: str
    ) -> None:
        await _add(api)
        response = await api.http.get(
            "/v1/models/ada-1/report", headers=api.as_author(ADA) | {"Accept": accept}
        )
        assert response.headers["content-type"].startswith(content_type)
        assert response.text == text

    async def test_the_page_can_run_nothing(self, api: Api) -> None:
        await _add(api)
        response = await api.http.get(
            "/v1/models/ada-1/report", headers=api.as_author(ADA) | {"Accept": "text/html"}
        )
        assert "default-src 'none'" in response.headers["content-security-policy"]

    async def test_another_authors_report_is_not_there(self, api: Api) -> None:
        await _add(api)
        assert problem(await api.get("/v1/models/ada-1/report", BOB), 404)
        assert problem(await api.get("/v1/models/ada-9/report"), 404)


class TestDeciding:
    @pytest.mark.parametrize(("verb", "stage"), [("approve", "approved"), ("reject", "rejected")])
    async def test_a_decision_is_kept_with_who_and_why_and_announced(
        self, start_api: StartApi, kafka_bootstrap: str, verb: str, stage: str
    ) -> None:
        api: Api = await start_api(kafka=kafka_bootstrap)
        await _add(api, f"ada-{verb}")
        answer = (await api.post(f"/v1/models/ada-{verb}/{verb}", _WHY)).json()
        scope = await api.scope()
        assert answer["stage"] == stage
        assert answer["history"][-1] | {"at": ""} == {
            "stage": stage,
            "at": "",
            "who": f"key {scope.key_id}",
            "why": "it sounds like me",
        }
        events = await _announced(kafka_bootstrap, f"ada-{verb}")
        assert [event.stage for event in events] == [*_EVALUATED, ModelStage(stage)]
        assert await api.resources.warehouse.models.unannounced() == []

    async def test_without_kafka_the_decision_stands_and_is_announced_later(self, api: Api) -> None:
        await _add(api)
        assert (await api.post("/v1/models/ada-1/approve", _WHY)).status_code == 200
        [waiting] = await api.resources.warehouse.models.unannounced()
        assert (waiting.model_id, waiting.stage) == ("ada-1", ModelStage.APPROVED)

    async def test_what_the_gate_did_not_let_through_cannot_be_approved(self, api: Api) -> None:
        await _add(api, stages=(ModelStage.TRAINED, ModelStage.REJECTED))
        found = problem(await api.post("/v1/models/ada-1/approve", _WHY), 409)
        assert "is rejected" in found["detail"]

    async def test_another_authors_model_is_not_there(self, api: Api) -> None:
        await _add(api)
        for verb in ("approve", "reject", "rollback"):
            problem(await api.post(f"/v1/models/ada-1/{verb}", _WHY, BOB), 404)
        assert (await api.resources.warehouse.models.get("ada-1")).stage is ModelStage.EVALUATED

    @pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "x", "stage": "deployed"}])
    async def test_a_decision_needs_a_reason_and_nothing_else(self, api: Api, body: dict[str, Any]) -> None:
        await _add(api)
        problem(await api.post("/v1/models/ada-1/approve", body), 422)


class TestAnswering:
    async def test_a_deployed_model_answers_under_its_name_and_is_counted(
        self, api: Api, upstream: tuple[Upstream, str]
    ) -> None:
        await fill(api)
        server, url = upstream
        await _deploy(api, "ada-1", url)
        listed = [entry["id"] for entry in (await api.get("/v1/models")).json()["data"]]
        assert listed == ["twin", "ada-1", RELEASED]
        for name in ("ada-1", RELEASED):
            answer = await ask(api, model=name)
            assert answer["model"] == name
            assert answer["choices"][0]["message"]["content"].startswith("Tides turn")
            assert server.requests[-1]["model"] == "ada-1"
        assert (await api.resources.warehouse.models.outcomes("ada-1")).answers == 2

    async def test_nobody_else_can_ask_it(self, api: Api, upstream: tuple[Upstream, str]) -> None:
        await _deploy(api, "ada-1", upstream[1])
        body = {"model": "ada-1", "messages": [{"role": "user", "content": "hello"}]}
        problem(await api.post("/v1/chat/completions", body, BOB), 404)
        assert [entry["id"] for entry in (await api.get("/v1/models", BOB)).json()["data"]] == ["twin"]

    async def test_a_failure_is_counted(self, api: Api, upstream: tuple[Upstream, str]) -> None:
        await fill(api)
        server, url = upstream
        server.script = "status"
        await _deploy(api, "ada-1", url)
        await ask(api, model="ada-1")
        outcomes = await api.resources.warehouse.models.outcomes("ada-1")
        assert (outcomes.answers, outcomes.failures) == (1, 1)

    async def test_after_a_roll_back_the_model_before_answers(
        self, api: Api, upstream: tuple[Upstream, str]
    ) -> None:
        await fill(api)
        server, url = upstream
        await _deploy(api, "ada-1", url)
        await _deploy(api, "ada-2", url)
        await ask(api, model=RELEASED)
        assert server.requests[-1]["model"] == "ada-2"
        rolled = await api.post("/v1/models/ada-2/rollback", {"reason": "it swears"})
        assert rolled.json()["stage"] == "rolled_back"
        await api.resources.deployed.look()
        await ask(api, model=RELEASED)
        assert server.requests[-1]["model"] == "ada-1"


class TestShare:
    async def test_each_question_is_drawn(self) -> None:
        draws = [0.05, 0.15, 0.95, 0.0]
        engine = SharedEngine(_Named("old"), _Named("new"), 0.1, partial(next, iter(draws)))
        task = Task(question="?", sources=())
        answers = [[piece async for piece in engine.write(task)] for _ in draws]
        assert answers == [[Text("new")], [Text("old")], [Text("old")], [Text("new")]]


class _Named:
    """An engine that says its name."""

    provider = "test"
    heeds: frozenset[str] = frozenset()

    def __init__(self, name: str) -> None:
        self.name = name

    async def window(self) -> None:
        return None

    async def close(self) -> None:
        pass

    async def write(self, task: Task) -> AsyncGenerator[Piece, None]:
        yield Text(self.name)


async def _announced(bootstrap: str, model_id: str) -> list[ModelChanged]:
    consumer = AIOKafkaConsumer(
        MODELS_LIFECYCLE.name, bootstrap_servers=bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        found: list[ModelChanged] = []
        while len(found) < len(_EVALUATED) + 1:
            record = await consumer.getone()
            event = decode(record.value or b"", record.headers, ModelChanged).event
            assert isinstance(event, ModelChanged)
            if event.model_id == model_id:
                found.append(event)
        return found
    finally:
        await consumer.stop()
