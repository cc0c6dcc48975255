"""Trains in a process of its own and kills that process at a named moment, as the operating system might."""

import os
import signal
import sys
from pathlib import Path

from twin_trainer import stage_run
from twin_trainer.config import TrainingConfiguration
from twin_trainer.dpo import train_dpo
from twin_trainer.progress import Progress
from twin_trainer.sft import train_sft


def _die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _die_at(stage: str, step: int) -> object:
    def report(progress: Progress) -> None:
        if (progress.stage, progress.step) == (stage, step) and progress.loss is not None:
            _die()

    return report


def main(configuration: Path, rows: Path, work: Path, moment: str) -> None:
    """Train both stages; `moment` is never, STAGE:STEP, or checkpoint (before the second is sealed)."""
    settings = TrainingConfiguration.model_validate_json(configuration.read_text())
    report: object = print
    if ":" in moment:
        stage, step = moment.split(":")
        report = _die_at(stage, int(step))
    if moment == "checkpoint":
        seal, sealed = stage_run.seal, []

        def seal_once(folder: Path) -> None:
            if sealed:
                (folder / "adapter_model.safetensors").write_bytes(b"cut off")
                _die()
            sealed.append(folder)
            seal(folder)

        stage_run.seal = seal_once
    adapter = train_sft(settings, rows, work, report)  # type: ignore[arg-type]
    train_dpo(settings, adapter, rows, work, report)  # type: ignore[arg-type]


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]), sys.argv[4])
