"""A record of every run: what was trained with what, where, how it went and what it cost.

Records are JSON files in a folder, one a run; nothing else is needed to read or compare them.
"""

import os
import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from twin_common.errors import TwinError
from twin_trainer.config import TrainingConfiguration
from twin_trainer.progress import TrainedAdapter

EXPERIMENTS = "experiments"
"""Their folder in the registry."""
_LIBRARIES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets")
_ENERGY_COUNTERS = Path("/sys/class/powercap")
_JOULES_A_KILOWATT_HOUR = 3.6e6


class UnknownExperiment(TwinError):
    """No readable record of this id."""


class Hardware(BaseModel):
    """What a run was computed on."""

    model_config = ConfigDict(frozen=True)
    processor: str
    cores: int
    memory_bytes: int
    devices: tuple[str, ...]
    """Names of the GPUs; empty for a run on the processor."""


class Experiment(BaseModel):
    """One run, from its configuration to its curves."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)
    experiment_id: str
    started_at: datetime
    finished_at: datetime
    outcome: Literal["finished", "failed"]
    error: str | None = None
    configuration: TrainingConfiguration
    dataset_id: str
    base_revision: str
    code_version: str
    libraries: dict[str, str]
    hardware: Hardware
    stages: tuple[TrainedAdapter, ...] = ()
    """With losses, curves, peak memory and speed; each names the seed through the configuration."""
    processor_seconds: float
    energy_kwh: float | None = None
    """Of this machine's processor while the run lasted; None where no counter can be read."""
    cost: float | None = None
    """In the currency of the price an hour that was given; None without one."""

    @property
    def held_out_loss(self) -> float | None:
        """Of the supervised stage, which is what runs are compared by."""
        return self.stages[0].held_out_loss if self.stages else None

    @property
    def duration_seconds(self) -> float:
        return (self.finished_at - self.started_at).total_seconds()


class RunningExperiment:
    """A run that is being recorded; stages are added as they end."""

    def __init__(self) -> None:
        self.stages: list[TrainedAdapter] = []

    def add(self, stage: TrainedAdapter) -> TrainedAdapter:
        """Keep what a stage left, and hand it on."""
        self.stages.append(stage)
        return stage


class ExperimentLog:
    """The records below one folder."""

    def __init__(self, folder: Path, price_an_hour: float | None = None) -> None:
        self._folder = folder
        self._price_an_hour = price_an_hour

    @contextmanager
    def record(
        self, experiment_id: str, configuration: TrainingConfiguration, dataset_id: str, base_revision: str
    ) -> Iterator[RunningExperiment]:
        """Write a record when the block ends, also when it fails; the failure goes on."""
        running, started_at, processor, energy = (
            RunningExperiment(),
            datetime.now(UTC),
            time.process_time(),
            _joules(),
        )
        error: str | None = None
        try:
            yield running
        except BaseException as failure:
            error = f"{type(failure).__name__}: {failure}"
            raise
        finally:
            finished_at, spent = datetime.now(UTC), _joules()
            hours = (finished_at - started_at).total_seconds() / 3600
            self._write(
                Experiment(
                    experiment_id=experiment_id,
                    started_at=started_at,
                    finished_at=finished_at,
                    outcome="failed" if error else "finished",
                    error=error,
                    configuration=configuration,
                    dataset_id=dataset_id,
                    base_revision=base_revision,
                    code_version=version("twin-trainer"),
                    libraries={name: found for name in _LIBRARIES if (found := _version(name))},
                    hardware=hardware(),
                    stages=tuple(running.stages),
                    processor_seconds=time.process_time() - processor,
                    energy_kwh=_kilowatt_hours(energy, spent),
                    cost=hours * self._price_an_hour if self._price_an_hour is not None else None,
                )
            )

    def list(self) -> Sequence[Experiment]:
        """All readable records, the newest first."""
        found = [self._read(path) for path in self._folder.glob("*.json")]
        return sorted(filter(None, found), key=lambda record: record.started_at, reverse=True)

    def read(self, experiment_id: str) -> Experiment:
        """One record.

        Raises:
            UnknownExperiment: there is none.
        """
        found = {record.experiment_id: record for record in self.list()}
        if experiment_id not in found:
            raise UnknownExperiment(
                f"no experiment {experiment_id!r} in {self._folder}; list them to see which there are"
            )
        return found[experiment_id]

    def _read(self, path: Path) -> Experiment | None:
        try:
            return Experiment.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            return None

    def _write(self, experiment: Experiment) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        target = self._folder / f"{experiment.experiment_id}.json"
        unfinished = target.with_suffix(".unfinished")
        unfinished.write_text(experiment.model_dump_json(indent=1), encoding="utf-8")
        unfinished.replace(target)


def differences(experiments: Sequence[Experiment]) -> dict[str, tuple[object, ...]]:
    """In which fields of their configurations experiments differ, with the value of each in their order."""
    flat = [dict(_flat(experiment.configuration.model_dump(mode="json"))) for experiment in experiments]
    names = sorted(set().union(*flat))
    values = {name: tuple(fields.get(name) for fields in flat) for name in names}
    return {name: found for name, found in values.items() if any(value != found[0] for value in found)}


def hardware() -> Hardware:
    """Of this machine."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return Hardware(
        processor=_processor(),
        cores=os.cpu_count() or 1,
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        devices=tuple(torch.cuda.get_device_name(number) for number in range(count)),
    )


def _flat(fields: dict[str, object], above: str = "") -> Iterator[tuple[str, object]]:
    for name, value in fields.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _joules() -> dict[Path, float]:
    """What the processor's counters stand at (Linux powercap); none where they cannot be read."""
    found: dict[Path, float] = {}
    for counter in _ENERGY_COUNTERS.glob("intel-rapl:?/energy_uj"):
        try:
            found[counter] = float(counter.read_text()) / 1e6
        except OSError:
            continue
    return found


def _kilowatt_hours(before: dict[Path, float], after: dict[Path, float]) -> float | None:
    """None where a counter began anew in between."""
    spent = [after[counter] - before[counter] for counter in before if counter in after]
    if not spent or min(spent) < 0:
        return None
    return sum(spent) / _JOULES_A_KILOWATT_HOUR


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
