"""One stage of a training from its start, or from its newest whole checkpoint, to the adapter it leaves."""

import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from datasets import disable_progress_bars
from pydantic import TypeAdapter
from transformers import EarlyStoppingCallback, PrinterCallback, Trainer, TrainerCallback
from transformers.utils import logging as transformers_logging

from twin_trainer.checkpoints import is_complete, keep_only, newest_complete, seal
from twin_trainer.config import Stage, TrainingConfiguration
from twin_trainer.loading import computes_in_bf16, save_serving_tokenizer
from twin_trainer.memory import (
    BatchShape,
    is_out_of_memory,
    peak_memory_bytes,
    read_shape,
    release_memory,
    write_shape,
)
from twin_trainer.progress import CurvePoint, Progress, StageName, TrainedAdapter

if TYPE_CHECKING:
    from transformers import TrainerControl, TrainerState, TrainingArguments

_LOGGER = logging.getLogger(__name__)
_RESULT = TypeAdapter(TrainedAdapter)
_ELAPSED = "elapsed_seconds"
_TOKENS = "num_tokens"


@dataclass(frozen=True)
class StageRun:
    """What is trained, where, and who is told."""

    name: StageName
    stage: Stage
    configuration: TrainingConfiguration
    base_folder: Path
    work: Path
    report: Callable[[Progress], None]
    measured: bool
    """Whether there are held-out rows."""

    @property
    def folder(self) -> Path:
        return self.work / self.name

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def adapter(self) -> Path:
        return self.folder / "adapter"

    def arguments(self, shape: BatchShape) -> dict[str, Any]:
        """What every trainer of TRL is told, whatever it trains."""
        configuration, stage = self.configuration, self.stage
        on_cpu = not torch.cuda.is_available()
        share = 1 / stage.evaluations
        sharded = configuration.sharding == "fsdp"
        return {
            "output_dir": str(self.checkpoints),
            "per_device_train_batch_size": shape.micro_batch,
            "per_device_eval_batch_size": shape.micro_batch,
            "gradient_accumulation_steps": shape.accumulation,
            "learning_rate": stage.learning_rate,
            "lr_scheduler_type": "cosine",
            "num_train_epochs": stage.epochs,
            "max_steps": stage.max_steps or -1,
            "warmup_steps": stage.warmup_share,
            "optim": "adamw_torch",
            "max_length": configuration.max_length,
            "activation_checkpointing": configuration.gradient_checkpointing and not sharded,
            "fsdp": sharded,
            "fsdp_config": _fsdp(configuration) if sharded else None,
            "bf16": computes_in_bf16(configuration),
            "use_cpu": on_cpu,
            "dataloader_pin_memory": not on_cpu,
            "seed": configuration.seed,
            "data_seed": configuration.seed,
            "logging_steps": 1,
            "save_strategy": "steps",
            "save_steps": share,
            "eval_strategy": "steps" if self.measured else "no",
            "eval_steps": share if self.measured else None,
            "load_best_model_at_end": self.measured,
            "metric_for_best_model": "eval_loss" if self.measured else None,
            "greater_is_better": False if self.measured else None,
            "report_to": list(configuration.trackers) or "none",
            "disable_tqdm": True,
        }

    def callbacks(self) -> list[TrainerCallback]:
        """Progress, sealed checkpoints and, where something is held out, an early end."""
        patience = [EarlyStoppingCallback(self.stage.patience)] if self.measured else []
        return [_Reporting(self), _Sealing(self.checkpoints), *patience]


def run_stage(run: StageRun, build: Callable[[BatchShape], Trainer]) -> TrainedAdapter:
    """Train until done; when memory runs out, go on from the newest checkpoint with a smaller micro-batch.

    The samples of a step and their order stay the same, so the shape decides only what fits.

    Args:
        build: makes a trainer with its model anew.

    Raises:
        OutOfMemory: one sample at a time is still too much.
    """
    disable_progress_bars()
    transformers_logging.disable_progress_bar()
    _discard_other(run)
    finished = _finished(run)
    if finished:
        return finished
    configured = BatchShape(run.configuration.micro_batch, run.configuration.accumulation)
    shape = read_shape(run.folder, configured)
    while True:
        write_shape(run.folder, shape)
        trainer = _attempt(run, build, shape)
        if trainer:
            return _finish(run, trainer, shape)
        shape = shape.smaller()
        _LOGGER.warning("memory ran out in %s: now %s", run.name, shape)
        release_memory()


def _discard_other(run: StageRun) -> None:
    """What was trained in this folder with another configuration is no beginning of this run."""
    file = run.folder / "configuration"
    if file.exists() and file.read_text(encoding="utf-8") != run.configuration.fingerprint:
        shutil.rmtree(run.folder)
    run.folder.mkdir(parents=True, exist_ok=True)
    file.write_text(run.configuration.fingerprint, encoding="utf-8")


def _attempt(run: StageRun, build: Callable[[BatchShape], Trainer], shape: BatchShape) -> Trainer | None:
    """None when memory ran out; all that the attempt held is free once this returns."""
    resume = newest_complete(run.checkpoints)
    try:
        trainer = build(shape)
        trainer.remove_callback(PrinterCallback)
        trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return None
    return trainer


def _finish(run: StageRun, trainer: Trainer, shape: BatchShape) -> TrainedAdapter:
    history: list[dict[str, float]] = trainer.state.log_history
    losses = [entry["loss"] for entry in history if "loss" in entry]
    elapsed = max((entry.get(_ELAPSED, 0.0) for entry in history), default=0.0)
    tokens = max((entry.get(_TOKENS, 0.0) for entry in history), default=0.0)
    result = TrainedAdapter(
        folder=run.adapter,
        base_folder=run.base_folder,
        stage=run.name,
        steps=trainer.state.global_step,
        train_loss=losses[-1],
        held_out_loss=trainer.state.best_metric,
        curve=_curve(history),
        micro_batch=shape.micro_batch,
        peak_memory_bytes=peak_memory_bytes(),
        tokens_per_second=tokens / elapsed if elapsed else 0.0,
        seconds=elapsed,
    )
    _write_adapter(run, trainer)
    _result_file(run).write_bytes(_RESULT.dump_json(result, indent=1))
    shutil.rmtree(run.checkpoints, ignore_errors=True)
    return result


def _write_adapter(run: StageRun, trainer: Trainer) -> None:
    """Whole or not at all; in safetensors, with the tokenizer."""
    from peft import PeftModel

    unfinished = run.folder / ".adapter"
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.rmtree(run.adapter, ignore_errors=True)
    model = trainer.accelerator.unwrap_model(trainer.model)
    if isinstance(model, PeftModel):
        adapter = model.peft_config["default"]
        adapter.base_model_name_or_path = run.configuration.base_model  # not where it lies on this machine
        adapter.revision = run.configuration.base_revision
        model.save_pretrained(unfinished, selected_adapters=["default"], save_embedding_layers=False)
        (unfinished / "README.md").unlink(missing_ok=True)
    else:
        trainer.save_model(str(unfinished))
        (unfinished / "training_args.bin").unlink(missing_ok=True)  # a pickle
    save_serving_tokenizer(run.configuration, run.base_folder, unfinished)
    seal(unfinished)
    unfinished.rename(run.adapter)


def _finished(run: StageRun) -> TrainedAdapter | None:
    file = _result_file(run)
    if not file.exists() or not is_complete(run.adapter):
        return None
    return _RESULT.validate_json(file.read_bytes())


def _result_file(run: StageRun) -> Path:
    return run.folder / "result.json"


def _curve(history: list[dict[str, float]]) -> tuple[CurvePoint, ...]:
    steps = sorted({int(entry["step"]) for entry in history if "loss" in entry or "eval_loss" in entry})
    losses = {int(entry["step"]): entry["loss"] for entry in history if "loss" in entry}
    held_out = {int(entry["step"]): entry["eval_loss"] for entry in history if "eval_loss" in entry}
    return tuple(CurvePoint(step, losses.get(step), held_out.get(step)) for step in steps)


def _fsdp(configuration: TrainingConfiguration) -> dict[str, Any]:
    """Each layer is a unit of its own; checkpoints hold whole weights, however many processes there are."""
    return {
        "version": 2,
        "auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
        "state_dict_type": "FULL_STATE_DICT",
        "activation_checkpointing": configuration.gradient_checkpointing,
        "cpu_ram_efficient_loading": True,
    }


class _Reporting(TrainerCallback):  # type: ignore[misc]
    """Tells where the stage stands; the time spent is kept in the history, and so in checkpoints."""

    def __init__(self, run: StageRun) -> None:
        self._run = run
        self._began = 0.0
        self._spent_before = 0.0
        self._tokens_before = 0.0
        self._first_step = 0

    def on_train_begin(
        self, args: "TrainingArguments", state: "TrainerState", control: "TrainerControl", **_: object
    ) -> None:
        self._began, self._first_step = time.monotonic(), state.global_step
        self._spent_before = max((entry.get(_ELAPSED, 0.0) for entry in state.log_history), default=0.0)
        self._tokens_before = max((entry.get(_TOKENS, 0.0) for entry in state.log_history), default=0.0)

    def on_log(
        self, args: "TrainingArguments", state: "TrainerState", control: "TrainerControl", **_: object
    ) -> None:
        entry = state.log_history[-1]
        if "loss" not in entry and "eval_loss" not in entry:
            return
        spent = time.monotonic() - self._began
        steps_done = state.global_step - self._first_step
        tokens = entry.get(_TOKENS, 0.0)
        entry[_ELAPSED] = self._spent_before + spent
        if _TOKENS in entry:  # counted from the resumption on
            entry[_TOKENS] = self._tokens_before + tokens
        self._run.report(
            Progress(
                stage=self._run.name,
                step=state.global_step,
                steps=state.max_steps,
                loss=entry.get("loss"),
                held_out_loss=entry.get("eval_loss"),
                tokens_per_second=tokens / spent if tokens else None,
                seconds_left=spent / steps_done * (state.max_steps - state.global_step)
                if steps_done
                else None,
                micro_batch=args.per_device_train_batch_size,
            )
        )


class _Sealing(TrainerCallback):  # type: ignore[misc]
    """Seals each checkpoint, then removes those that are neither the newest nor the best."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def on_save(
        self, args: "TrainingArguments", state: "TrainerState", control: "TrainerControl", **_: object
    ) -> None:
        if not state.is_world_process_zero:
            return
        newest = self._folder / f"checkpoint-{state.global_step}"
        seal(newest)
        best = [Path(state.best_model_checkpoint)] if state.best_model_checkpoint else []
        keep_only(self._folder, newest, *best)
