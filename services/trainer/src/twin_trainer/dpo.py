"""Direct preference optimisation: the model learns to prefer the author's answer to another model's."""

from collections.abc import Callable
from pathlib import Path

from twin_trainer.config import TrainingConfiguration
from twin_trainer.progress import Progress, TrainedAdapter


def train_dpo(
    configuration: TrainingConfiguration,
    adapter: TrainedAdapter,
    rows_folder: Path,
    work: Path,
    report: Callable[[Progress], None],
) -> TrainedAdapter:
    """Train on preference/train.parquet, from an adapter of the earlier stage on.

    Args:
        work: a folder of this job alone, the same as for the earlier stage.
    """
    raise NotImplementedError
