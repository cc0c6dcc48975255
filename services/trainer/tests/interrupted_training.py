"""A training that ends by kill -9 at a named moment; runs in a child."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

from twin_trainer import stage_run
from twin_trainer.checkpoints import seal
from twin_trainer.config import TrainingConfiguration
from twin_trainer.dpo import train_dpo
from twin_trainer.progress import Progress
from twin_trainer.sft import train_sft


def train_until(configuration: TrainingConfiguration, rows: Path, work: Path, moment: str) -> None:
    """Train both stages; `moment` is STAGE:STEP, or checkpoint, which is before the second one is sealed."""
    report = _die_in_checkpoint() if moment == "checkpoint" else _die_at(moment)
    adapter = train_sft(configuration, rows, work, report)
    train_dpo(configuration, adapter, rows, work, report)


def _die_at(moment: str) -> Callable[[Progress], None]:
    stage, step = moment.split(":")

    def report(progress: Progress) -> None:
        if progress.stage == stage and progress.step == int(step) and progress.loss is not None:
            os.kill(os.getpid(), signal.SIGKILL)

    return report


def _die_in_checkpoint() -> Callable[[Progress], None]:
    sealed = set[Path]()

    def seal_one(folder: Path) -> None:
        if sealed:
            (folder / "adapter_model.safetensors").write_bytes(b"cut off")
            os.kill(os.getpid(), signal.SIGKILL)
        sealed.add(folder)
        seal(folder)

    setattr(stage_run, "seal", seal_one)  # noqa: B010 -- not a name of its own there
    return lambda _: None
