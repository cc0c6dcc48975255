"""Supervised fine-tuning: the model learns to answer as the author wrote."""

from collections.abc import Callable
from pathlib import Path

from twin_trainer.config import TrainingConfiguration
from twin_trainer.progress import Progress, TrainedAdapter


def train_sft(
    configuration: TrainingConfiguration, rows_folder: Path, work: Path, report: Callable[[Progress], None]
) -> TrainedAdapter:
    """Train on instruct/train.parquet of a dataset version; goes on where an earlier call was cut off.

    Args:
        work: a folder of this job alone; checkpoints and the adapter are kept in it.
    """
    raise NotImplementedError
