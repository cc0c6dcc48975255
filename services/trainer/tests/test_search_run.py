"""A search of two combinations, trained for real on a tiny model."""

import json
from pathlib import Path

import pytest

from twin_common.identity import AuthorId
from twin_common.models import JobProgress
from twin_trainer import search_run
from twin_trainer.config import Stage, TrainingConfiguration
from twin_trainer.experiments import EXPERIMENTS, ExperimentLog
from twin_trainer.job_protocol import JobSpec
from twin_trainer.jobs import make_job
from twin_trainer.search import default_configuration
from twin_trainer.testing.tiny_dataset import write_tiny_dataset
from twin_trainer.testing.tiny_model import write_tiny_model

_GRID = {"sft.learning_rate": [1e-6, 2e-2], "lora.rank": [8]}


@pytest.fixture
def spec(tmp_path: Path) -> JobSpec:
    registry = tmp_path / "registry"
    dataset = write_tiny_dataset(registry, AuthorId("ada"), documents=8, held_out=2)
    configuration = TrainingConfiguration(
        base_model=str(write_tiny_model(tmp_path / "base")),
        max_length=64,
        micro_batch=8,
        accumulation=1,
        sft=Stage(learning_rate=1e-3, max_steps=4, evaluations=2),
    )
    job = make_job(dataset, configuration, "r", "test", json.dumps(_GRID))
    return JobSpec(job=job, registry=registry, work=tmp_path / "work", pairs=0, pair_tokens=8)


def _default(spec: JobSpec) -> TrainingConfiguration:
    start = TrainingConfiguration.model_validate_json(spec.job.configuration)
    return default_configuration(spec.registry, start)


class TestSearch:
    def test_finds_the_best_records_all_and_tells_how_far_it_is(
        self, spec: JobSpec, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told: list[JobProgress] = []
        found = search_run.run_search(spec, told.append)
        assert found.tried == 2
        assert found.best == {"sft.learning_rate": 2e-2, "lora.rank": 8}
        assert (_default(spec).sft.learning_rate, _default(spec).lora.rank) == (2e-2, 8)
        records = ExperimentLog(spec.registry / EXPERIMENTS).list()
        assert sorted(record.experiment_id for record in records) == [
            f"{spec.job.model_id}-{number}" for number in (1, 2)
        ]
        assert all(record.stages[0].curve for record in records)
        assert {"search 1 of 2", "search 2 of 2"} <= {progress.phase for progress in told}
        assert any(progress.loss for progress in told)
        assert not spec.work.exists()

        def train_again(*_: object) -> None:
            raise AssertionError("it was trained before")

        monkeypatch.setattr(search_run, "train_sft", train_again)
        assert search_run.run_search(spec, told.append) == found
