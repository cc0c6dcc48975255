"""`twin experiments` over records on disk."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from twin_local.cli.main import app
from twin_trainer.config import Lora, TrainingConfiguration
from twin_trainer.experiments import EXPERIMENTS, ExperimentLog
from twin_trainer.progress import CurvePoint, TrainedAdapter


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ExperimentLog:
    monkeypatch.setenv("TWIN_HOME", str(tmp_path))
    return ExperimentLog(tmp_path / "registry" / EXPERIMENTS)


def _record(log: ExperimentLog, name: str, rank: int, *losses: float) -> None:
    configuration = TrainingConfiguration(lora=Lora(rank=rank))
    curve = tuple(CurvePoint(step, loss, loss + 1) for step, loss in enumerate(losses, start=1))
    with log.record(name, configuration, "d", "r") as running:
        running.add(
            TrainedAdapter(
                folder=Path(),
                base_folder=Path(),
                stage="sft",
                steps=len(losses),
                train_loss=losses[-1],
                held_out_loss=losses[-1] + 1,
                curve=curve,
                micro_batch=1,
                peak_memory_bytes=1,
                tokens_per_second=1.0,
                seconds=1.0,
            )
        )


class TestCompare:
    """In what runs differ, and how each went."""

    def test_shows_settings_and_courses(self, log: ExperimentLog) -> None:
        _record(log, "one", 8, 3.5, 3.0, 2.5)
        _record(log, "two", 16, *(4.0 - step / 100 for step in range(100)))
        shown = CliRunner().invoke(app, ["experiments", "compare", "one", "two"], env={"COLUMNS": "160"})
        assert shown.exit_code == 0, shown.output
        assert "lora.rank" in shown.output
        assert "3.500 █▅▁ 2.500" in shown.output
        assert "4.000 █" in shown.output

    def test_as_json(self, log: ExperimentLog) -> None:
        _record(log, "one", 8, 3.5, 2.5)
        _record(log, "two", 16, 3.5)
        shown = CliRunner().invoke(app, ["experiments", "compare", "one", "two", "--json"])
        found = json.loads(shown.output)
        assert found["differences"] == {"lora.rank": [8, 16]}
        assert found["curves"]["one"][1] == {"step": 2, "loss": 2.5, "held_out_loss": 3.5}
