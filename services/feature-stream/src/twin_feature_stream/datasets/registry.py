"""Versions of datasets in a folder: datasets/ID/ with README.md, lineage.json, statistics.json and Parquet.

A version appears whole or not at all, and is never changed; `announced` in it says that its event is
confirmed.
"""

import os
import shutil
import tempfile
from hashlib import sha256
from pathlib import Path

from pydantic import ValidationError

from twin_common.errors import TwinError
from twin_common.identity import AuthorId, parse_author_id
from twin_feature_stream.datasets.card import data_card
from twin_feature_stream.datasets.dataset import INSTRUCT, PREFERENCE, TEST, TRAIN, Dataset
from twin_feature_stream.datasets.parquet import read_rows, write_rows
from twin_feature_stream.datasets.triggers import LastBuild
from twin_feature_stream.datasets.version import DatasetVersion, Lineage, Statistics

_FOLDER = "datasets"
_SPLITS = [(configuration, split) for configuration in (INSTRUCT, PREFERENCE) for split in (TRAIN, TEST)]


class UnknownDataset(TwinError):
    """The registry has no readable dataset of this id."""


class DatasetRegistry:
    """The dataset versions below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / _FOLDER
        self._work = folder / "dataset-builds"

    def location(self, dataset_id: str) -> str:
        """The version's folder, relative to the registry."""
        return f"{_FOLDER}/{dataset_id}"

    def path(self, dataset_id: str) -> Path:
        """The version's folder."""
        return self._folder / dataset_id

    def has(self, dataset_id: str) -> bool:
        """Whether the version exists."""
        return (self._folder / dataset_id / "lineage.json").exists()

    def save(self, version: DatasetVersion, dataset: Dataset) -> None:
        """Keep a new version; one that exists stays as it is."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._work.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix="new-", dir=self._work))
        try:
            for (configuration, split), rows in dataset.rows.items():
                if rows:
                    write_rows(unfinished / configuration / f"{split}.parquet", configuration, rows)
            files = {
                str(file.relative_to(unfinished)): sha256(file.read_bytes()).hexdigest()
                for file in sorted(unfinished.rglob("*.parquet"))
            }
            lineage = version.lineage.model_copy(update={"files": files})
            (unfinished / "README.md").write_text(data_card(version, _languages(dataset)), encoding="utf-8")
            for name, part in (("statistics", version.statistics), ("lineage", lineage)):
                text = part.model_dump_json(indent=2) + "\n"
                (unfinished / f"{name}.json").write_text(text, encoding="utf-8")
            for file in unfinished.rglob("*"):
                if file.is_file():
                    _flush(file)
            unfinished.chmod(0o755)
            try:
                unfinished.rename(self._folder / version.dataset_id)
            except OSError:
                if not self.has(version.dataset_id):
                    raise
            _flush(self._folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def versions(self, author_id: AuthorId | None = None) -> list[DatasetVersion]:
        """Every version, of one author or of all, the oldest first."""
        found = [self.version(path.parent.name) for path in self._folder.glob("*/lineage.json")]
        mine = [version for version in found if author_id is None or author_id in version.lineage.authors]
        return sorted(mine, key=lambda version: (version.created_at, version.dataset_id))

    def version(self, dataset_id: str) -> DatasetVersion:
        """One version, without its rows.

        Raises:
            UnknownDataset: there is none, or its files cannot be read.
        """
        folder = self._folder / dataset_id
        try:
            lineage = Lineage.model_validate_json((folder / "lineage.json").read_bytes())
            statistics = Statistics.model_validate_json((folder / "statistics.json").read_bytes())
        except FileNotFoundError as error:
            raise UnknownDataset(
                f"there is no dataset {dataset_id} in {self._folder}: 'twin dataset list' shows all"
            ) from error
        except (OSError, ValidationError) as error:
            raise UnknownDataset(f"the dataset in {folder} is damaged ({error}): build it again") from error
        return DatasetVersion(lineage=lineage, statistics=statistics)

    def dataset(self, dataset_id: str) -> Dataset:
        """One version's rows.

        Raises:
            UnknownDataset: there is none, or its files are not those it was made with.
        """
        version = self.version(dataset_id)
        rows = {
            (configuration, split): read_rows(self._folder / dataset_id / configuration / f"{split}.parquet")
            for configuration, split in _SPLITS
        }
        dataset = Dataset(version.lineage.authors[0], rows)
        if dataset.content_hash != version.lineage.content_hash:
            raise UnknownDataset(
                f"the rows of {dataset_id} do not have the hash of its lineage: delete the folder "
                f"{self._folder / dataset_id} and build it again"
            )
        return dataset

    def is_announced(self, dataset_id: str) -> bool:
        """Whether the version's event was confirmed."""
        return (self._folder / dataset_id / "announced").exists()

    def set_announced(self, dataset_id: str) -> None:
        """Remember that the version's event was confirmed."""
        (self._folder / dataset_id / "announced").touch()

    def answers_file(self, author_id: AuthorId) -> Path:
        """Where a model's answers about an author's text are kept; they are the author's data."""
        return self._work / f"{author_id}.answers.sqlite"

    def last_build(self, author_id: AuthorId) -> LastBuild | None:
        """What the author's last build saw; None when there was none or nobody can tell."""
        try:
            return LastBuild.model_validate_json(self._last_build_file(author_id).read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def set_last_build(self, author_id: AuthorId, build: LastBuild) -> None:
        """Remember what a build saw."""
        self._work.mkdir(parents=True, exist_ok=True)
        file = self._last_build_file(author_id)
        unfinished = file.with_suffix(f".{os.getpid()}")
        unfinished.write_text(build.model_dump_json(), encoding="utf-8")
        unfinished.replace(file)

    def _last_build_file(self, author_id: AuthorId) -> Path:
        return self._work / f"{parse_author_id(author_id)}.last.json"


def _languages(dataset: Dataset) -> list[str]:
    rows = dataset.rows[INSTRUCT, TRAIN]
    return sorted({row["language"] for row in rows if row["language"] and row["category"] != "code"})


def _flush(path: Path) -> None:
    """Only what is on the disk may be named in an event."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
