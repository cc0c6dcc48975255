"""A dry run says what a run then does."""

from pathlib import Path

import pytest

from twin_trainer.config import Stage, TrainingConfiguration
from twin_trainer.dpo import train_dpo
from twin_trainer.estimate import estimate
from twin_trainer.rows import NoRows
from twin_trainer.sft import train_sft
from twin_trainer.testing.tiny_model import write_tiny_model, write_tiny_rows


@pytest.fixture
def configuration(tmp_path: Path) -> TrainingConfiguration:
    return TrainingConfiguration(
        base_model=str(write_tiny_model(tmp_path / "base")),
        max_length=128,
        micro_batch=2,
        accumulation=3,
        sft=Stage(learning_rate=1e-3, epochs=2),
        dpo=Stage(learning_rate=1e-3, epochs=1),
    )


class TestEstimate:
    """Steps are exact; memory and time follow from the model."""

    def test_steps_are_those_of_the_run(self, tmp_path: Path, configuration: TrainingConfiguration) -> None:
        rows = write_tiny_rows(tmp_path / "rows", samples=13)
        found = estimate(configuration, rows)
        adapter = train_sft(configuration, rows, tmp_path / "job", lambda _: None)
        preferring = train_dpo(configuration, adapter, rows, tmp_path / "job", lambda _: None)
        assert (found.samples, found.pairs) == (13, 13)
        assert (found.sft_steps, found.dpo_steps) == (adapter.steps, preferring.steps)
        assert found.memory_bytes > 4 * found.parameters
        assert found.trainable_parameters < found.parameters
        assert found.seconds > 0

    def test_weights_are_not_read(self, tmp_path: Path, configuration: TrainingConfiguration) -> None:
        (tmp_path / "base" / "model.safetensors").write_bytes(b"no weights")
        assert estimate(configuration, write_tiny_rows(tmp_path / "rows")).samples == 16

    def test_cut_samples_count_as_they_are_trained(
        self, tmp_path: Path, configuration: TrainingConfiguration
    ) -> None:
        rows = write_tiny_rows(tmp_path / "rows")
        cut = configuration.model_copy(update={"max_length": 16})
        assert estimate(cut, rows).tokens_an_epoch == 16 * 16

    def test_nothing_to_learn_from(self, tmp_path: Path, configuration: TrainingConfiguration) -> None:
        with pytest.raises(NoRows, match="build the dataset"):
            estimate(configuration, tmp_path / "nowhere")
