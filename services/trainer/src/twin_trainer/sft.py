"""Supervised fine-tuning: the model learns to answer as the author wrote."""

from collections.abc import Callable
from pathlib import Path

from trl import SFTConfig, SFTTrainer

from twin_trainer.adapters import adapter_configuration
from twin_trainer.base_model import resolve_base
from twin_trainer.config import TrainingConfiguration
from twin_trainer.loading import load_model, load_tokenizer
from twin_trainer.memory import BatchShape
from twin_trainer.output_layer import score_answers_once
from twin_trainer.progress import Progress, TrainedAdapter
from twin_trainer.rows import INSTRUCT, held_out_rows, training_rows
from twin_trainer.stage_run import StageRun, run_stage


def train_sft(
    configuration: TrainingConfiguration, rows_folder: Path, work: Path, report: Callable[[Progress], None]
) -> TrainedAdapter:
    """Train on instruct/train.parquet of a dataset version; goes on where an earlier call was cut off.

    Only the tokens of answers are learnt, their end among them.

    Args:
        work: a folder of this job alone; checkpoints and the adapter are kept in it.

    Raises:
        NoRows: nothing to learn from.
        UnfitBaseModel: in one of its kinds, before any training.
        DeviceUnfit: the configuration asks for what this machine lacks.
        OutOfMemory: not even one sample fits.
    """
    rows, held_out = training_rows(rows_folder, INSTRUCT), held_out_rows(rows_folder, INSTRUCT)
    base = resolve_base(configuration)
    tokenizer = load_tokenizer(configuration, base.folder)
    run = StageRun("sft", configuration.sft, configuration, base.folder, work, report, held_out is not None)

    def build(shape: BatchShape) -> SFTTrainer:
        arguments = SFTConfig(
            **run.arguments(shape),
            assistant_only_loss=True,
            packing=configuration.packing,
            eval_packing=False,
        )
        trainer = SFTTrainer(
            model=load_model(configuration, base.folder),
            args=arguments,
            train_dataset=rows,
            eval_dataset=held_out,
            processing_class=tokenizer,
            peft_config=adapter_configuration(configuration),
            callbacks=run.callbacks(),
        )
        score_answers_once(trainer.model)
        return trainer

    return run_stage(run, build)
