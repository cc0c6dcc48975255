"""A training that was cut off, by a kill or for want of memory, ends where the undisturbed one ends."""

from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from signal import SIGKILL

import pytest
from transformers import Trainer

from services.trainer.tests.interrupted_training import train_until
from twin_trainer.config import Lora, Stage, TrainingConfiguration
from twin_trainer.dpo import train_dpo
from twin_trainer.memory import OutOfMemory
from twin_trainer.progress import Progress, TrainedAdapter
from twin_trainer.sft import train_sft
from twin_trainer.testing.tiny_model import write_tiny_model, write_tiny_rows

_CHILDREN = get_context("forkserver")
_CHILDREN.set_forkserver_preload([train_until.__module__])


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_rows(tmp_path_factory.mktemp("rows"))


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> TrainingConfiguration:
    return TrainingConfiguration(
        base_model=str(write_tiny_model(tmp_path_factory.mktemp("base"))),
        lora=Lora(dropout=0.1),  # so that the state of the random numbers matters
        max_length=128,
        micro_batch=4,
        accumulation=1,
        sft=Stage(learning_rate=1e-2, epochs=3, evaluations=4),
        dpo=Stage(learning_rate=2e-3, epochs=2, evaluations=4),
    )


def _train(
    configuration: TrainingConfiguration, rows: Path, work: Path
) -> tuple[TrainedAdapter, TrainedAdapter]:
    adapter = train_sft(configuration, rows, work, lambda _: None)
    return adapter, train_dpo(configuration, adapter, rows, work, lambda _: None)


@pytest.fixture(scope="module")
def undisturbed(
    configuration: TrainingConfiguration, rows: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[TrainedAdapter, TrainedAdapter]:
    return _train(configuration, rows, tmp_path_factory.mktemp("undisturbed"))


class TestKilled:
    """kill -9, then the same call again."""

    @pytest.mark.parametrize("moment", ["sft:8", "checkpoint", "dpo:5"])
    def test_ends_with_the_same_losses(
        self,
        configuration: TrainingConfiguration,
        rows: Path,
        undisturbed: tuple[TrainedAdapter, TrainedAdapter],
        tmp_path: Path,
        moment: str,
    ) -> None:
        child = _CHILDREN.Process(target=train_until, args=(configuration, rows, tmp_path / "job", moment))
        child.start()
        child.join()
        assert child.exitcode == -SIGKILL
        assert not (tmp_path / "job" / "dpo" / "adapter").exists()

        resumed = _train(configuration, rows, tmp_path / "job")

        for stage, expected in zip(resumed, undisturbed, strict=True):
            assert stage.train_loss == pytest.approx(expected.train_loss, abs=1e-6)
            assert stage.held_out_loss == pytest.approx(expected.held_out_loss, abs=1e-6)
            assert [point.step for point in stage.curve] == [point.step for point in expected.curve]

    def test_a_finished_stage_is_not_trained_again(
        self, configuration: TrainingConfiguration, rows: Path, tmp_path: Path
    ) -> None:
        first = train_sft(configuration, rows, tmp_path, lambda _: None)
        told: list[Progress] = []
        assert train_sft(configuration, rows, tmp_path, told.append) == first
        assert told == []

    def test_another_configuration_starts_anew(
        self, configuration: TrainingConfiguration, rows: Path, tmp_path: Path
    ) -> None:
        first = train_sft(configuration, rows, tmp_path, lambda _: None)
        other = train_sft(configuration.model_copy(update={"seed": 1}), rows, tmp_path, lambda _: None)
        assert other.curve != first.curve


class TestOutOfMemory:
    """The device holds fewer samples than configured: the micro-batch halves, and training goes on."""

    def test_halves_until_it_fits(
        self,
        configuration: TrainingConfiguration,
        rows: Path,
        tmp_path: Path,
        room_for: Callable[[int], None],
    ) -> None:
        plain = configuration.model_copy(update={"lora": Lora()})
        expected = train_sft(plain, rows, tmp_path / "roomy", lambda _: None)
        told: list[Progress] = []
        room_for(1)
        adapter = train_sft(plain, rows, tmp_path / "narrow", told.append)
        assert adapter.micro_batch == 1
        assert adapter.steps == expected.steps
        assert adapter.train_loss == pytest.approx(expected.train_loss, abs=1e-3)

    def test_not_even_one(
        self,
        configuration: TrainingConfiguration,
        rows: Path,
        tmp_path: Path,
        room_for: Callable[[int], None],
    ) -> None:
        room_for(0)
        with pytest.raises(OutOfMemory, match="max_length"):
            train_sft(configuration, rows, tmp_path, lambda _: None)


@pytest.fixture
def room_for(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes a training step fail, as a device does, when it holds more than so many samples."""
    step = Trainer.training_step

    def limit(samples: int) -> None:
        def limited(trainer: Trainer, model: object, inputs: dict[str, object], *rest: object) -> object:
            if len(inputs["input_ids"]) > samples and trainer.state.global_step >= 4:  # type: ignore[arg-type]
                raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
            return step(trainer, model, inputs, *rest)

        monkeypatch.setattr(Trainer, "training_step", limited)

    return limit
