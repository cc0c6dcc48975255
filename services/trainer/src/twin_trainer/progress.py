"""What a running training tells, and where it ends up."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

StageName = Literal["sft", "dpo"]


@dataclass(frozen=True)
class Progress:
    """Where a stage stands; reported after each logged step."""

    stage: StageName
    step: int
    """Optimiser steps done."""
    steps: int
    """Of the whole stage."""
    loss: float | None
    """Of the last steps; None where only the held-out loss is new."""
    held_out_loss: float | None
    tokens_per_second: float | None
    seconds_left: float | None
    micro_batch: int
    """Falls when memory runs out."""


@dataclass(frozen=True)
class CurvePoint:
    """Losses at a step; in nats a token for SFT, of the preference for DPO."""

    step: int
    loss: float | None
    held_out_loss: float | None


@dataclass(frozen=True)
class TrainedAdapter:
    """What a stage leaves."""

    folder: Path
    """adapter_config.json and adapter_model.safetensors; of a full training a whole model."""
    base_folder: Path
    """The model it belongs to."""
    stage: StageName
    steps: int
    train_loss: float
    """Of the last logged steps."""
    held_out_loss: float | None
    """Of the best checkpoint; None where nothing was held out."""
    curve: tuple[CurvePoint, ...]
    micro_batch: int
    """That fitted into memory."""
    peak_memory_bytes: int
    """Of the process on a CPU, of the device on a GPU."""
    tokens_per_second: float
    seconds: float
    """Spent training, over all resumptions."""
