"""Direct preference optimisation: the model learns to prefer the author's answer to another model's."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from peft import PeftModel
from trl import DPOConfig, DPOTrainer

from twin_trainer.config import Method, TrainingConfiguration
from twin_trainer.loading import load_model, load_tokenizer
from twin_trainer.memory import BatchShape
from twin_trainer.output_layer import score_answers_once
from twin_trainer.progress import Progress, TrainedAdapter
from twin_trainer.rows import PREFERENCE, NoRows, held_out_rows, training_rows
from twin_trainer.stage_run import StageRun, run_stage

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase


def train_dpo(
    configuration: TrainingConfiguration,
    adapter: TrainedAdapter,
    rows_folder: Path,
    work: Path,
    report: Callable[[Progress], None],
) -> TrainedAdapter:
    """Train on preference/train.parquet, from an adapter of the earlier stage on.

    That adapter is also the reference; its log-probabilities are computed once, before the first step.

    Args:
        work: a folder of this job alone, the same as for the earlier stage.

    Raises:
        NoRows: no pairs to learn from, or none whose prompt leaves room for an answer.
        DeviceUnfit, OutOfMemory: as for supervised fine-tuning.
    """
    tokenizer = load_tokenizer(configuration, adapter.base_folder)
    rows = _with_room(training_rows(rows_folder, PREFERENCE), tokenizer, configuration.max_length)
    held_out = held_out_rows(rows_folder, PREFERENCE)
    if held_out is not None:
        held_out = _with_room(held_out, tokenizer, configuration.max_length)
    if rows is None:
        raise NoRows(f"no pair has a prompt of less than {configuration.max_length} tokens: raise max_length")
    run = StageRun(
        "dpo", configuration.dpo, configuration, adapter.base_folder, work, report, held_out is not None
    )

    def build(shape: BatchShape) -> DPOTrainer:
        if configuration.method is Method.FULL:
            model = load_model(configuration, adapter.folder)
        else:
            base = load_model(configuration, adapter.base_folder)
            model = PeftModel.from_pretrained(base, adapter.folder, is_trainable=True)
        arguments = DPOConfig(
            **run.arguments(shape), beta=configuration.dpo_beta, precompute_ref_log_probs=True
        )
        trainer = DPOTrainer(
            model=model,
            args=arguments,
            train_dataset=rows,
            eval_dataset=held_out,
            processing_class=tokenizer,
            callbacks=run.callbacks(),
        )
        score_answers_once(trainer.model)
        return trainer

    return run_stage(run, build)


def _with_room(rows: "Dataset", tokenizer: "PreTrainedTokenizerBase", max_length: int) -> "Dataset | None":
    """The pairs whose prompt leaves room for an answer; TRL drops the others, and fails if none is left."""
    fitting = rows.filter(
        lambda row: (
            len(tokenizer.apply_chat_template(row["prompt"], add_generation_prompt=True, return_dict=False))
            < max_length
        )
    )
    return fitting if len(fitting) else None
