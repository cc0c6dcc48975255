"""From a dataset's event to a measured model, without a hand, on Apache Kafka, and through kill -9."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from twin_common.events import DatasetReady, ModelChanged, decode, encode
from twin_common.identity import AuthorId
from twin_common.models import JobState, ModelStage, TrainingJob
from twin_common.topics import DATASETS_READY, MODELS_LIFECYCLE
from twin_common.warehouse import Warehouse
from twin_local.ports import free_port
from twin_local.topics import create_topics
from twin_trainer.testing.tiny_dataset import write_tiny_dataset
from twin_trainer.testing.tiny_model import write_tiny_model

pytestmark = pytest.mark.integration

_ADA = AuthorId("ada")
_SECONDS = 480
_TRAINING = """
base_model = "{base}"
max_length = 96
[sft]
learning_rate = 5e-3
max_steps = {steps}
evaluations = 4
[dpo]
learning_rate = 1e-4
epochs = 1
max_steps = 2
evaluations = 2
"""
_EVALUATION = """
passages = 8
tokens_per_passage = 16
contrast_passages = 8
questions = 2
tokens_per_question = 8
extractions = 2
canaries = 1
canary_alternatives = 4
examples = 1
[bootstrap]
draws = 200
"""
# Two layers of random weights write no prose: only the rules about its form are loosened.
_GATE = """
most_empty_share = 1.0
most_repetition = 1.0
more_repetition = 1.0
length_ratio = [0.0, 100.0]
"""


@contextmanager
def _trainer(environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "twin_trainer"], env=os.environ | environment, stdout=output, stderr=output
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def environment(warehouse: Warehouse, mongodb_url: str, apache_kafka: str, tmp_path: Path) -> dict[str, str]:
    """The variables of a trainer of a tiny model."""
    base = write_tiny_model(tmp_path / "base")
    for name, text in (("training", _TRAINING.format(base=base, steps=120)), ("evaluation", _EVALUATION)):
        (tmp_path / f"{name}.toml").write_text(text)
    (tmp_path / "gate.toml").write_text(_GATE)
    create_topics(apache_kafka)
    return {
        "MONGODB_URL": mongodb_url,
        "MONGODB_DATABASE": warehouse.database.name,
        "KAFKA_BOOTSTRAP_SERVERS": apache_kafka,
        "TRAINER_HTTP_PORT": str(free_port()),
        "TRAINER_REGISTRY": str(tmp_path / "registry"),
        "TRAINER_WORK": str(tmp_path / "work"),
        "TRAINER_CONFIGURATION": str(tmp_path / "training.toml"),
        "TRAINER_EVALUATION": str(tmp_path / "evaluation.toml"),
        "TRAINER_GATE": str(tmp_path / "gate.toml"),
        "TRAINER_PAIRS": "4",
        "TRAINER_PAIR_TOKENS": "16",
        "OMP_NUM_THREADS": "2",
        "OMP_WAIT_POLICY": "PASSIVE",
    }


async def _announce(kafka: str, dataset: DatasetReady, times: int) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        message = encode(dataset, "test", event_id=dataset.dataset_id)
        for _ in range(times):
            await producer.send(DATASETS_READY.name, message.value, key=message.key, headers=message.headers)
        await producer.flush()


async def _lifecycle(kafka: str, count: int) -> list[ModelChanged]:
    """The first events of the topic."""
    consumer = AIOKafkaConsumer(MODELS_LIFECYCLE.name, bootstrap_servers=kafka, auto_offset_reset="earliest")
    await consumer.start()
    found: list[ModelChanged] = []
    try:
        async with asyncio.timeout(_SECONDS):
            while len(found) < count:
                record = await consumer.getone()
                event = decode(record.value or b"", record.headers, ModelChanged).event
                assert isinstance(event, ModelChanged)
                found.append(event)
    finally:
        await consumer.stop()
    return found


class TestWithoutAHand:
    async def test_an_announced_dataset_becomes_a_measured_model_though_the_trainer_is_killed(
        self, warehouse: Warehouse, apache_kafka: str, environment: dict[str, str], tmp_path: Path
    ) -> None:
        dataset = write_tiny_dataset(tmp_path / "registry", _ADA)
        await _announce(apache_kafka, dataset, times=100)
        with _trainer(environment, tmp_path / "trainer.log") as first:
            await _until_step(warehouse, 4)
            children = psutil.Process(first.pid).children(recursive=True)
            first.send_signal(signal.SIGKILL)
            first.wait()
            psutil.wait_procs(children, timeout=60)
            assert not [child for child in children if child.is_running()]
        with _trainer(environment, tmp_path / "trainer.log"):
            events = await _lifecycle(apache_kafka, 2)
        log = (tmp_path / "trainer.log").read_text()
        assert [event.stage for event in events] == [ModelStage.TRAINED, ModelStage.EVALUATED], log[-3000:]
        [job] = await warehouse.training_jobs.all(_ADA)
        assert (job.state, job.attempts) == (JobState.DONE, 2)
        record = await warehouse.models.get(events[0].model_id, _ADA)
        assert record.figures["perplexity"] < record.figures["base_perplexity"]
        assert [curve.name for curve in record.curves] == ["sft", "dpo"]
        folder = tmp_path / "registry" / record.location
        assert {"model.safetensors", "model-f16.gguf", "manifest.json", "report.html", "README.md"} <= {
            path.name for path in folder.iterdir()
        }
        assert "rebalance" not in log.lower()


async def _until_step(warehouse: Warehouse, step: int) -> TrainingJob:
    async with asyncio.timeout(_SECONDS):
        while True:
            for job in await warehouse.training_jobs.all(_ADA):
                if job.progress and job.progress.phase == "sft" and job.progress.step >= step:
                    return job
            await asyncio.sleep(0.02)
