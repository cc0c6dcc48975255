"""Which settings learn best: every combination of a grid is trained, and the best is kept as the default."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin_common.errors import TwinError
from twin_trainer.config import TrainingConfiguration

if TYPE_CHECKING:
    from twin_trainer.progress import TrainedAdapter

DEFAULT_FILE = "default-configuration.json"


class NothingHeldOut(TwinError):
    """Runs cannot be compared without held-out samples."""


@dataclass(frozen=True)
class Trial:
    """One combination and how well it learnt."""

    configuration: TrainingConfiguration
    held_out_loss: float


def combinations(
    configuration: TrainingConfiguration, grid: Mapping[str, Sequence[object]]
) -> Iterator[TrainingConfiguration]:
    """Every configuration of a grid.

    Args:
        grid: values by the name of a field; a dot leads into a part, such as `sft.learning_rate`.

    Raises:
        ValidationError: a field that does not exist, or a value that it cannot have.
    """
    for values in product(*grid.values()):
        fields: dict[str, Any] = configuration.model_dump(mode="json")
        for name, value in zip(grid, values, strict=True):
            *parts, last = name.split(".")
            place = fields
            for part in parts:
                place = place.setdefault(part, {})
            place[last] = value
        yield TrainingConfiguration.model_validate(fields)


def search(
    configuration: TrainingConfiguration,
    grid: Mapping[str, Sequence[object]],
    train: "Callable[[TrainingConfiguration], TrainedAdapter]",
    keep_in: Path,
) -> list[Trial]:
    """Train every combination; the one with the lowest held-out loss becomes the default of that folder.

    Args:
        train: one supervised stage, with a work folder and a record of its own for each configuration.

    Returns:
        All trials, the best first.

    Raises:
        NothingHeldOut: the dataset has no test rows.
    """
    trials = [_trial(candidate, train) for candidate in combinations(configuration, grid)]
    trials.sort(key=lambda trial: trial.held_out_loss)
    keep_in.mkdir(parents=True, exist_ok=True)
    unfinished = keep_in / f".{DEFAULT_FILE}"
    unfinished.write_text(trials[0].configuration.model_dump_json(indent=1), encoding="utf-8")
    unfinished.replace(keep_in / DEFAULT_FILE)
    return trials


def default_configuration(folder: Path, otherwise: TrainingConfiguration) -> TrainingConfiguration:
    """What the last search found best, for trainings that start by themselves."""
    file = folder / DEFAULT_FILE
    if not file.exists():
        return otherwise
    return TrainingConfiguration.model_validate_json(file.read_bytes())


def _trial(
    configuration: TrainingConfiguration, train: "Callable[[TrainingConfiguration], TrainedAdapter]"
) -> Trial:
    loss = train(configuration).held_out_loss
    if loss is None:
        raise NothingHeldOut(
            "no rows in instruct/test.parquet: build the dataset with more text, so that some is held out"
        )
    return Trial(configuration, loss)
