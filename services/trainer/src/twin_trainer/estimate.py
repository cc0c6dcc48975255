"""What a training will need, before anything heavy is loaded."""

from dataclasses import dataclass
from pathlib import Path

from twin_trainer.config import TrainingConfiguration


@dataclass(frozen=True)
class Estimate:
    """For `--dry-run`."""

    parameters: int
    trainable_parameters: int
    samples: int
    pairs: int
    tokens_an_epoch: int
    sft_steps: int
    dpo_steps: int
    memory_bytes: int
    """On each device, at most."""
    seconds: float
    """Of both stages, at the speed that this kind of device showed."""


def estimate(configuration: TrainingConfiguration, rows_folder: Path) -> Estimate:
    """Steps, memory and time; reads the base's configuration and tokenizer, not its weights."""
    raise NotImplementedError
