"""A build from the vector index to the folder and the event, with the warehouse for feedback."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from qdrant_client import AsyncQdrantClient

from twin_common.errors import ServerUnavailable
from twin_common.events import DatasetReady
from twin_common.identity import AuthorId
from twin_common.index_builds import ensure_collections
from twin_common.warehouse import Warehouse
from twin_feature_stream.datasets.assembly import NotEnoughText
from twin_feature_stream.datasets.build import Builder
from twin_feature_stream.datasets.hub import HubDatasets
from twin_feature_stream.datasets.registry import DatasetRegistry
from twin_feature_stream.datasets.settings import DatasetSettings
from twin_feature_stream.datasets.snapshot import read_present
from twin_feature_stream.index import Index

from .material import ADA, NOW, article, post
from .test_preference import feedback


class Recorder:
    """Stands in for Kafka."""

    def __init__(self) -> None:
        self.events: list[DatasetReady] = []
        self.is_away = False

    def __call__(self, event: DatasetReady) -> None:
        if self.is_away:
            raise ServerUnavailable("Kafka is away")
        self.events.append(event)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def builder(warehouse: Warehouse, recorder: Recorder, tmp_path: Path) -> AsyncIterator[Builder]:
    client = AsyncQdrantClient(":memory:")
    await ensure_collections(client, "hashing", 384)
    await Index(client).put_heads([article(f"a{number}", days=number) for number in range(12)])
    settings = DatasetSettings(registry=tmp_path)
    yield Builder(client, warehouse, DatasetRegistry(tmp_path), settings, recorder, clock=lambda: NOW)
    await client.close()


async def test_an_unchanged_snapshot_gives_the_same_version_and_says_nothing_new(
    builder: Builder, recorder: Recorder
) -> None:
    first = await builder.build(ADA)
    again = await builder.build(ADA)
    assert (first.is_new, again.is_new) == (True, False)
    assert again.version == first.version
    assert len(builder.registry.versions()) == 1
    (event,) = recorder.events
    assert event.dataset_id == first.version.dataset_id
    assert (builder.settings.registry / event.location / "lineage.json").exists()
    assert (event.documents, event.train_samples, event.test_samples) == (12, 33, 3)


async def test_new_text_and_new_feedback_give_new_versions(builder: Builder, recorder: Recorder) -> None:
    await builder.build(ADA)
    await Index(builder.client).put_heads([article("new", days=50), article("bob", author_id="bob")])
    with_article = await builder.build(ADA)
    await builder.warehouse.feedback.put(feedback(1))
    with_feedback = await builder.build(ADA)
    assert len({event.dataset_id for event in recorder.events}) == 3
    assert len(with_article.version.lineage.documents) == 13
    assert with_feedback.version.statistics.feedback_pairs == 1
    assert recorder.events[-1].preference_pairs == 1


class _Hub(HubDatasets):
    """Remembers what was pushed, and may be away."""

    def __init__(self) -> None:
        self.is_away = True
        self.pushed: list[str] = []

    def push(self, author_id: AuthorId, dataset_id: str, folder: Path) -> str:
        if self.is_away:
            raise ServerUnavailable("the Hub is away")
        assert (folder / "lineage.json").exists()
        self.pushed.append(dataset_id)
        return f"ns/{author_id}@1"


async def test_a_version_is_on_the_hub_before_it_is_announced(builder: Builder, recorder: Recorder) -> None:
    hub = _Hub()
    builder = replace(builder, hub=hub)
    with pytest.raises(ServerUnavailable):
        await builder.build(ADA)
    assert recorder.events == []
    hub.is_away = False
    built = await builder.build(ADA)
    await builder.build(ADA)
    assert hub.pushed == [event.dataset_id for event in recorder.events] == [built.version.dataset_id]


async def test_an_announcement_that_failed_is_made_good_once(builder: Builder, recorder: Recorder) -> None:
    recorder.is_away = True
    with pytest.raises(ServerUnavailable):
        await builder.build(ADA)
    assert builder.registry.last_build(ADA) is None
    recorder.is_away = False
    assert not (await builder.build(ADA)).is_new
    await builder.build(ADA)
    assert len(recorder.events) == 1


async def test_what_a_build_saw_is_what_there_is(builder: Builder) -> None:
    await builder.build(ADA)
    present = await read_present(builder.client, ADA, 0)
    last = builder.registry.last_build(ADA)
    assert last is not None
    assert last.documents == present.documents
    assert sum(present.lengths.values()) > 10_000


async def test_a_refusal_is_remembered_and_nothing_is_announced(builder: Builder, recorder: Recorder) -> None:
    await Index(builder.client).put_heads([post("p", author_id="bob")])
    with pytest.raises(NotEnoughText):
        await builder.build("bob")  # type: ignore[arg-type]
    assert builder.registry.last_build("bob") is not None  # type: ignore[arg-type]
    assert not recorder.events


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What each model was asked; `down` is down, the others answer."""
    seen: dict[str, list[str]] = {}

    async def handle(_: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        seen.setdefault(body["model"], []).append(body["messages"][0]["content"])
        if body["model"] == "down":
            raise httpx.ReadTimeout("slow")
        text = f"Tell me about point {len(seen[body['model']])}, please."
        return httpx.Response(200, json={"choices": [{"message": {"content": text}}]})

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", handle)
    return seen


def with_models(builder: Builder, writer: str, rejected: str) -> Builder:
    settings = DatasetSettings(
        registry=builder.settings.registry,
        instruction_model_url="http://model.example/v1",
        instruction_model=writer,
        rejected_model_url="http://model.example/v1",
        rejected_model=rejected,
        model_concurrency=2,
    )
    return replace(builder, settings=settings)


async def test_models_write_instructions_and_rejected_answers_once(
    builder: Builder, asked: dict[str, list[str]]
) -> None:
    builder = with_models(builder, "writer", "base")
    steps: list[str] = []
    built = await builder.build(ADA, lambda step, *_: steps.append(step))
    statistics, lineage = built.version.statistics, built.version.lineage
    assert statistics.rows["preference/train"] == statistics.rows["instruct/train"] == 33
    assert statistics.rows["preference/test"] == 3
    assert set(lineage.instructions_by) == {"rules/1", "writer/instruct.v1"}
    assert lineage.rejected_by == ("base",)
    assert len(asked["base"]) == 36
    assert not statistics.model_failures
    assert list(dict.fromkeys(steps)) == [
        "reading",
        "selecting",
        "writing instructions",
        "asking for rejected answers",
        "writing",
    ]
    before = {name: len(questions) for name, questions in asked.items()}
    assert not (await builder.build(ADA)).is_new
    assert {name: len(questions) for name, questions in asked.items()} == before


async def test_a_model_that_is_down_leaves_the_rules_instructions_and_is_counted(
    builder: Builder, asked: dict[str, list[str]]
) -> None:
    by_rules = await builder.build(ADA)
    built = await with_models(builder, "down", "down").build(ADA)
    assert built.version.dataset_id == by_rules.version.dataset_id
    assert not built.is_new
    assert len(asked["down"]) < 14


async def test_a_model_without_a_name_is_refused() -> None:
    with pytest.raises(ValueError, match="DATASETS_REJECTED_MODEL must name the model"):
        DatasetSettings(rejected_model_url="http://model.example/v1")
