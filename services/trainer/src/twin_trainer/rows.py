"""The rows of a dataset version, as the trainers read them: Parquet in CONFIGURATION/SPLIT.parquet."""

from pathlib import Path
from typing import TYPE_CHECKING

from twin_common.errors import TwinError

if TYPE_CHECKING:
    from datasets import Dataset

INSTRUCT = ("prompt", "completion")
PREFERENCE = ("prompt", "chosen", "rejected")


class NoRows(TwinError):
    """There is nothing to learn from."""


def training_rows(folder: Path, columns: tuple[str, ...]) -> "Dataset":
    """Those to learn from.

    Raises:
        NoRows: the dataset has none of this kind.
    """
    rows = _rows(folder, columns, "train")
    if rows is None:
        raise NoRows(
            f"{folder} has no rows in {_configuration(columns)}/train.parquet; "
            "build the dataset again with more text"
        )
    return rows


def held_out_rows(folder: Path, columns: tuple[str, ...]) -> "Dataset | None":
    """Those that are only measured; None where there are none."""
    return _rows(folder, columns, "test")


def count_rows(folder: Path, columns: tuple[str, ...], split: str) -> int:
    """Without reading them."""
    from pyarrow import parquet  # type: ignore[import-untyped]

    path = folder / _configuration(columns) / f"{split}.parquet"
    return int(parquet.read_metadata(path).num_rows) if path.exists() else 0


def _rows(folder: Path, columns: tuple[str, ...], split: str) -> "Dataset | None":
    from datasets import Dataset
    from pyarrow import parquet

    path = folder / _configuration(columns) / f"{split}.parquet"
    if not count_rows(folder, columns, split):
        return None
    return Dataset.from_list(parquet.read_table(path, columns=list(columns), partitioning=None).to_pylist())


def _configuration(columns: tuple[str, ...]) -> str:
    return "instruct" if columns == INSTRUCT else "preference"
