"""The service on a real Kafka protocol and a real warehouse, with a process in the training's stead."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from pydantic import SecretStr

from twin_common.dead_letter import reasons
from twin_common.events import DatasetReady, ModelChanged, decode, encode
from twin_common.identity import AuthorId
from twin_common.kafka_settings import KafkaSettings
from twin_common.models import JobProgress, JobState, ModelStage
from twin_common.topics import DATASETS_READY, DATASETS_READY_DEAD, MODELS_LIFECYCLE
from twin_common.warehouse import Warehouse, WarehouseSettings
from twin_local.ports import free_port
from twin_trainer.app import SERVICE, TrainerApp
from twin_trainer.child import child_runner
from twin_trainer.config import TrainingConfiguration
from twin_trainer.jobs import make_job
from twin_trainer.settings import TrainerSettings

from .fake_child import COMMAND, script, starts

_SECONDS = 120


def _ready(author: str, name: str = "d") -> DatasetReady:
    return DatasetReady(
        dataset_id=f"{author}-{name}",
        author_id=AuthorId(author),
        content_hash=name,
        location=f"datasets/{author}-{name}",
        documents=10,
        train_samples=50,
        test_samples=5,
        preference_pairs=0,
    )


@asynccontextmanager
async def _app(
    warehouse: Warehouse, mongodb_url: str, kafka: str, folder: Path, *, run_jobs: bool = True
) -> AsyncIterator[tuple[TrainerApp, int]]:
    base = folder / "base"
    base.mkdir(exist_ok=True)
    (base / "config.json").write_text("{}")
    configuration = folder / "training.toml"
    configuration.write_text(f'base_model = "{base}"\n')
    settings = TrainerSettings(
        http_port=free_port(),
        registry=folder,
        work=folder / "work",
        configuration=configuration,
        retry_seconds=0,
        run_jobs=run_jobs,
    )
    database = WarehouseSettings(url=SecretStr(mongodb_url), database=warehouse.database.name)
    app = TrainerApp(settings, database, KafkaSettings(bootstrap_servers=kafka), child_runner(60, COMMAND))
    task = asyncio.create_task(app.run())
    try:
        yield app, settings.http_port
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _send(kafka: str, *messages: tuple[bytes, list[tuple[str, bytes]]]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        for value, headers in messages:
            await producer.send_and_wait(DATASETS_READY.name, value, key=b"k", headers=headers)


def _message(event: DatasetReady) -> tuple[bytes, list[tuple[str, bytes]]]:
    message = encode(event, "test", event_id=event.dataset_id)
    assert message.value is not None
    return message.value, message.headers


async def _lifecycle(kafka: str, author: str, count: int) -> list[ModelChanged]:
    consumer = AIOKafkaConsumer(MODELS_LIFECYCLE.name, bootstrap_servers=kafka, auto_offset_reset="earliest")
    found: list[ModelChanged] = []
    await consumer.start()
    try:
        async with asyncio.timeout(_SECONDS):
            while len(found) < count:
                record = await consumer.getone()
                event = decode(record.value or b"", record.headers, ModelChanged).event
                assert isinstance(event, ModelChanged)
                if event.author_id == author:
                    found.append(event)
    finally:
        await consumer.stop()
    return found


class TestEvents:
    async def test_a_hundred_deliveries_are_one_training_and_the_world_learns_of_the_model(
        self, warehouse: Warehouse, mongodb_url: str, kafka_bootstrap: str, tmp_path: Path
    ) -> None:
        await _send(kafka_bootstrap, *[_message(_ready("hundred"))] * 100)
        async with _app(warehouse, mongodb_url, kafka_bootstrap, tmp_path):
            events = await _lifecycle(kafka_bootstrap, "hundred", 2)
            await _until_committed(kafka_bootstrap)
        assert [event.stage for event in events] == [ModelStage.TRAINED, ModelStage.EVALUATED]
        assert len(starts(tmp_path)) == 1
        jobs = await warehouse.training_jobs.all(AuthorId("hundred"))
        assert [(job.state, job.requested_by) for job in jobs] == [(JobState.DONE, DATASETS_READY.name)]

    async def test_the_consumer_goes_on_and_commits_while_a_training_runs(
        self, warehouse: Warehouse, mongodb_url: str, kafka_bootstrap: str, tmp_path: Path
    ) -> None:
        script(tmp_path, "wait")
        async with _app(warehouse, mongodb_url, kafka_bootstrap, tmp_path):
            await _send(kafka_bootstrap, _message(_ready("long", "one")))
            async with asyncio.timeout(_SECONDS):
                while not starts(tmp_path):
                    await asyncio.sleep(0.02)
            await _send(kafka_bootstrap, _message(_ready("long", "two")))
            await _until_committed(kafka_bootstrap)
            async with asyncio.timeout(_SECONDS):
                while len(await warehouse.training_jobs.all(AuthorId("long"))) < 2:
                    await asyncio.sleep(0.05)
            assert [job.state for job in await warehouse.training_jobs.all(AuthorId("long"))] == [
                JobState.WAITING,
                JobState.RUNNING,
            ]

    async def test_what_nobody_can_use_is_set_aside_and_the_next_one_is_taken(
        self, warehouse: Warehouse, mongodb_url: str, kafka_bootstrap: str, tmp_path: Path
    ) -> None:
        _, headers = _message(_ready("poison"))
        await _send(kafka_bootstrap, (b"{not json", headers), _message(_ready("poison")))
        async with _app(warehouse, mongodb_url, kafka_bootstrap, tmp_path):
            await _lifecycle(kafka_bootstrap, "poison", 2)
        consumer = AIOKafkaConsumer(
            DATASETS_READY_DEAD.name, bootstrap_servers=kafka_bootstrap, auto_offset_reset="earliest"
        )
        await consumer.start()
        async with asyncio.timeout(_SECONDS):
            letter = await consumer.getone()
        await consumer.stop()
        assert letter.value == b"{not json"
        assert reasons(list(letter.headers))["error_reason"] == "malformed_event"


class TestHealth:
    async def test_it_says_what_it_does(
        self, warehouse: Warehouse, mongodb_url: str, kafka_bootstrap: str, tmp_path: Path
    ) -> None:
        async with _app(warehouse, mongodb_url, kafka_bootstrap, tmp_path) as (_, port):
            async with asyncio.timeout(_SECONDS):
                while "waiting for a dataset" not in await _get(port, "/readyz"):
                    await asyncio.sleep(0.1)
            assert "200" in (await _get(port, "/livez")).splitlines()[0]
            assert "twin_trainer_jobs_waiting 0.0" in await _get(port, "/metrics")

    async def test_it_tells_of_trainings_that_run_elsewhere(
        self, warehouse: Warehouse, mongodb_url: str, kafka_bootstrap: str, tmp_path: Path
    ) -> None:
        jobs, dataset, configuration = warehouse.training_jobs, _ready("elsewhere"), TrainingConfiguration()
        parked = make_job(_ready("elsewhere", "two"), configuration, "r", "test")
        await jobs.put(parked.model_copy(update={"state": JobState.PARKED, "reason": "it needs a licence"}))
        job = make_job(dataset, configuration, "r", "test")
        await jobs.put(job)
        assert await jobs.claim(job, "a pod")
        await jobs.renew(job.job_key, "a pod", JobProgress(phase="sft", step=7, steps=9, loss=2.5))
        expected = {"jobs_parked": 1, "jobs_under_way": 1, "step": 7, "steps": 9, "loss_nats": 2.5}
        async with _app(warehouse, mongodb_url, kafka_bootstrap, tmp_path, run_jobs=False) as (_, port):
            async with asyncio.timeout(_SECONDS):
                lines = [f"twin_trainer_{name} {float(value)}" for name, value in expected.items()]
                while not set(lines) <= set((await _get(port, "/metrics")).splitlines()):
                    await asyncio.sleep(0.1)


async def _get(port: int, path: str) -> str:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, family=socket.AF_INET)
    except OSError:
        return ""
    writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer.decode()


async def _until_committed(kafka: str) -> None:
    """Until the group has no message left before it."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=SERVICE, enable_auto_commit=False)
    await consumer.start()
    partitions = [TopicPartition(DATASETS_READY.name, number) for number in range(DATASETS_READY.partitions)]
    consumer.assign(partitions)
    try:
        async with asyncio.timeout(_SECONDS):
            ends = await consumer.end_offsets(partitions)
            while any([(await consumer.committed(place) or 0) < end for place, end in ends.items()]):
                await asyncio.sleep(0.1)
    finally:
        await consumer.stop()
