"""Which settings learn best: every combination of a grid is trained, and the best is kept as the default."""

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product
from operator import getitem
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import ValidationError

from twin_common.errors import TwinError
from twin_trainer.config import TrainingConfiguration

if TYPE_CHECKING:
    from twin_trainer.progress import TrainedAdapter

log = structlog.get_logger(__name__)

DEFAULT_FILE = "default-configuration.json"
Grid = Mapping[str, Sequence[str | float | bool]]
"""Values by the name of a field; a dot leads into a part, such as `sft.learning_rate`."""


class UnreadableGrid(TwinError):
    """What shall be tried cannot be tried."""


class NothingHeldOut(TwinError):
    """Runs cannot be compared without held-out samples."""


@dataclass(frozen=True)
class Trial:
    """One combination and how well it learnt."""

    configuration: TrainingConfiguration
    held_out_loss: float

    def values_of(self, grid: Grid) -> dict[str, str | float | bool]:
        """What it has where the grid varies."""
        fields = self.configuration.model_dump(mode="json")
        return {name: _at(fields, name) for name in grid}


def read_grid(texts: Sequence[str], configuration: TrainingConfiguration) -> Grid:
    """A grid from texts such as `lora.rank=8,16`, checked against the configuration that it changes.

    Raises:
        UnreadableGrid: a text of another form, a setting that does not exist, or a value that it cannot have.
    """
    grid: dict[str, list[str | float | bool]] = {}
    try:
        for text in texts:
            name, values = text.split("=", 1)
            grid[name.strip()] = tomllib.loads(f"values = [{values}]")["values"]
        list(combinations(configuration, grid))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        problem = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise UnreadableGrid(
            f"cannot try {' '.join(texts)}: {problem}. Write a setting and its values, such as "
            'sft.learning_rate=1e-4,3e-4 or method="lora","full"'
        ) from error
    if not all(grid.values()):
        raise UnreadableGrid(f"cannot try {' '.join(texts)}: a setting has no value")
    return grid


def combinations(configuration: TrainingConfiguration, grid: Grid) -> Iterator[TrainingConfiguration]:
    """Every configuration of a grid.

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
    grid: Grid,
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
    """What the last search found best for the same base model; it may be unreadable to a newer version."""
    file = folder / DEFAULT_FILE
    if not file.exists():
        return otherwise
    try:
        found = TrainingConfiguration.model_validate_json(file.read_bytes())
    except ValidationError as error:
        log.warning(
            "the best of the last search cannot be read: search again", file=str(file), error=str(error)
        )
        return otherwise
    return found if found.base_model == otherwise.base_model else otherwise


def _at(fields: dict[str, Any], name: str) -> str | float | bool:
    found: str | float | bool = reduce(getitem, name.split("."), fields)  # type: ignore[assignment]
    return found


def _trial(
    configuration: TrainingConfiguration, train: "Callable[[TrainingConfiguration], TrainedAdapter]"
) -> Trial:
    loss = train(configuration).held_out_loss
    if loss is None:
        raise NothingHeldOut(
            "no rows in instruct/test.parquet: build the dataset with more text, so that some is held out"
        )
    return Trial(configuration, loss)
