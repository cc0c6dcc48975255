"""What a stage learns from, when it stops, and what it leaves."""

from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM
from trl import SFTConfig

from twin_trainer.config import Lora, Method, Stage, TrainingConfiguration
from twin_trainer.loading import DeviceUnfit, load_tokenizer
from twin_trainer.memory import BatchShape
from twin_trainer.progress import Progress, TrainedAdapter
from twin_trainer.rows import INSTRUCT, held_out_rows, training_rows
from twin_trainer.sft import train_sft
from twin_trainer.stage_run import StageRun
from twin_trainer.testing.tiny_model import write_tiny_model, write_tiny_rows

_SAMPLES = 16


def _configuration(base: Path, **changes: object) -> TrainingConfiguration:
    """One step over all samples, so that its loss is theirs."""
    one_step = TrainingConfiguration(
        base_model=str(base),
        max_length=128,
        micro_batch=_SAMPLES,
        accumulation=1,
        sft=Stage(learning_rate=1e-2, epochs=1),
    )
    return one_step.model_copy(update=changes)


def _answer_loss(
    configuration: TrainingConfiguration, rows: Path, split: str, adapter: Path | None = None
) -> float:
    """Mean nats over the tokens of answers and their ends, sample by sample, without any trainer."""
    folder = Path(configuration.base_model)
    tokenizer = load_tokenizer(configuration, folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    model = PeftModel.from_pretrained(model, adapter) if adapter else model
    model.eval()
    total, count = 0.0, 0
    samples = training_rows(rows, INSTRUCT) if split == "train" else held_out_rows(rows, INSTRUCT)
    assert samples is not None
    for sample in samples:
        question = tokenizer.apply_chat_template(sample["prompt"], add_generation_prompt=True, tokenize=False)
        whole = tokenizer.apply_chat_template(sample["prompt"] + sample["completion"], tokenize=False)
        start = len(tokenizer(question, add_special_tokens=False)["input_ids"])
        tokens = torch.tensor(tokenizer(whole, add_special_tokens=False)["input_ids"])
        with torch.no_grad():
            scores = torch.log_softmax(model(input_ids=tokens[None]).logits[0], dim=-1)
        total -= float(scores[start - 1 : -1].gather(1, tokens[start:, None]).sum())
        count += len(tokens) - start
    return total / count


class TestLoss:
    """Only answers count, each with its end, and samples that share a sequence do not see each other."""

    @pytest.mark.parametrize("packing", [False, True])
    def test_is_that_of_the_answers(self, tmp_path: Path, packing: bool) -> None:
        rows = write_tiny_rows(tmp_path / "rows", samples=_SAMPLES)
        configuration = _configuration(write_tiny_model(tmp_path / "base"), packing=packing)
        adapter = train_sft(configuration, rows, tmp_path / "job", lambda _: None)
        assert adapter.steps == 1
        assert adapter.train_loss == pytest.approx(_answer_loss(configuration, rows, "train"), abs=1e-4)


class TestStopping:
    """A stage ends when the held-out loss has stopped falling, and leaves what was best."""

    @pytest.fixture(scope="class")
    def stopped(
        self, tmp_path_factory: pytest.TempPathFactory
    ) -> tuple[TrainingConfiguration, Path, TrainedAdapter]:
        work = tmp_path_factory.mktemp("stopping")
        rows = write_tiny_rows(work / "rows", samples=_SAMPLES)
        stage = Stage(learning_rate=0.2, epochs=40, evaluations=20, patience=2)
        configuration = _configuration(write_tiny_model(work / "base"), sft=stage, lora=Lora(rank=32))
        return configuration, rows, train_sft(configuration, rows, work / "job", lambda _: None)

    def test_ends_early(self, stopped: tuple[TrainingConfiguration, Path, TrainedAdapter]) -> None:
        _, _, adapter = stopped
        losses = [point.held_out_loss for point in adapter.curve if point.held_out_loss is not None]
        assert adapter.steps < 40
        assert adapter.held_out_loss == min(losses)
        assert losses.index(min(losses)) == len(losses) - 3  # the patience

    def test_leaves_the_best(self, stopped: tuple[TrainingConfiguration, Path, TrainedAdapter]) -> None:
        configuration, rows, adapter = stopped
        measured = _answer_loss(configuration, rows, "test", adapter.folder)
        assert measured == pytest.approx(adapter.held_out_loss, abs=1e-3)


class TestReporting:
    """A watcher learns how far the stage is."""

    def test_counts_steps_tokens_and_time(self, tmp_path: Path) -> None:
        rows = write_tiny_rows(tmp_path / "rows", samples=_SAMPLES)
        configuration = _configuration(write_tiny_model(tmp_path / "base"), micro_batch=4)
        told: list[Progress] = []
        adapter = train_sft(configuration, rows, tmp_path / "job", told.append)
        steps = [entry for entry in told if entry.loss is not None]
        assert [entry.step for entry in steps] == [1, 2, 3, 4]
        assert {entry.steps for entry in told} == {4}
        assert all(entry.tokens_per_second and entry.tokens_per_second > 0 for entry in steps)
        assert steps[-1].seconds_left == 0
        assert any(entry.held_out_loss for entry in told)
        assert adapter.peak_memory_bytes > 0

    def test_nothing_held_out_is_no_obstacle(self, tmp_path: Path) -> None:
        rows = write_tiny_rows(tmp_path / "rows", samples=_SAMPLES, held_out=0)
        configuration = _configuration(write_tiny_model(tmp_path / "base"))
        assert train_sft(configuration, rows, tmp_path / "job", lambda _: None).held_out_loss is None


class TestDevice:
    """What this machine lacks is named; what several devices need is asked of the libraries."""

    @pytest.mark.parametrize(
        ("changes", "remedy"),
        [({"method": Method.QLORA}, "lora"), ({"attention": "flash_attention_2"}, "not installed")],
    )
    def test_is_unfit(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object], remedy: str
    ) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        rows = write_tiny_rows(tmp_path / "rows")
        configuration = _configuration(write_tiny_model(tmp_path / "base"), **changes)
        with pytest.raises(DeviceUnfit, match=remedy):
            train_sft(configuration, rows, tmp_path / "job", lambda _: None)

    def test_sharding_wraps_layers_and_recomputes_in_them(self, tmp_path: Path) -> None:
        configuration = _configuration(tmp_path, sharding="fsdp", gradient_checkpointing=True)
        run = StageRun(
            "sft", configuration.sft, configuration, tmp_path, tmp_path, lambda _: None, measured=True
        )
        arguments = SFTConfig(**run.arguments(BatchShape(1, 4)))
        assert arguments.fsdp_plugin_args["fsdp_version"] == 2
        assert arguments.fsdp_plugin_args["activation_checkpointing"]
        assert not arguments.activation_checkpointing
