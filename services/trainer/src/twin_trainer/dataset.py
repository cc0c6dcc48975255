"""A dataset version as the trainer takes it: Parquet files, and a lineage that says what they must be."""

import json
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path

from twin_common.errors import TwinError


class DatasetGone(TwinError):
    """The registry has no such dataset, or it is not the one that was announced."""


@dataclass(frozen=True)
class Dataset:
    """A version on this machine."""

    dataset_id: str
    folder: Path
    content_hash: str
    authors: tuple[str, ...]
    documents: tuple[str, ...]
    """Ids of the documents whose text is in it."""

    @property
    def has_pairs(self) -> bool:
        """Whether there is anything to do preference optimisation with."""
        return (self.folder / "preference/train.parquet").exists()


def open_dataset(registry: Path, location: str) -> Dataset:
    """A version, once its files have the hashes that its lineage names.

    Raises:
        DatasetGone: it is missing, unreadable or changed.
    """
    folder = registry / location
    try:
        lineage = json.loads((folder / "lineage.json").read_text(encoding="utf-8"))
        dataset = Dataset(
            dataset_id=str(lineage["name"]),
            folder=folder,
            content_hash=str(lineage["content_hash"]),
            authors=tuple(lineage["authors"]),
            documents=tuple(entry["document_id"] for entry in lineage["documents"]),
        )
        files: dict[str, str] = dict(lineage["files"])
    except FileNotFoundError as error:
        raise DatasetGone(
            f"there is no dataset at {location} in {registry}: 'twin dataset list' shows all, "
            "'twin dataset build' makes one"
        ) from error
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DatasetGone(f"the lineage of {location} cannot be read ({error}): build it again") from error
    for name, expected in files.items():
        if not (folder / name).exists() or _digest(folder / name) != expected:
            raise DatasetGone(
                f"{location}/{name} is not the file that was announced: build the dataset again"
            )
    return dataset


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
