"""Models in a folder: models/ID/ appears whole or not at all, and is never changed."""

import json
import os
import shutil
from pathlib import Path

from twin_trainer.registry.artefacts import MANIFEST, UnknownArtefact, verify, write_manifest

_FOLDER = "models"


class FolderRegistry:
    """The models below one folder, beside the datasets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, author_id: str, model_id: str) -> str | None:
        """The model's folder, relative to the registry, or None."""
        location = f"{_FOLDER}/{model_id}"
        return location if (self.folder / location / MANIFEST).exists() else None

    def save(self, author_id: str, model_id: str, folder: Path) -> str:
        """Copy the folder's files in and let them appear at once. Raises: UnsafeArtefact."""
        if (location := self.find(author_id, model_id)) is not None:
            return location
        unfinished = self.folder / "model-builds" / model_id
        shutil.rmtree(unfinished, ignore_errors=True)
        # Hard links where the disk allows it: weights are large, and a model is never written to.
        shutil.copytree(folder, unfinished, copy_function=_link_or_copy)
        write_manifest(unfinished)
        verify(model_id, unfinished)
        for path in unfinished.rglob("*"):
            if path.is_file():
                _flush(path)
        target = self.folder / _FOLDER / model_id
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)  # what has no manifest was never a model
        unfinished.rename(target)
        _flush(target.parent)
        return f"{_FOLDER}/{model_id}"

    def path(self, location: str) -> Path:
        """The verified folder. Raises: UnknownArtefact, DamagedArtefact, UnsafeArtefact."""
        folder = self.folder / location
        if not location.startswith(f"{_FOLDER}/") or ".." in Path(location).parts or not folder.is_dir():
            raise UnknownArtefact(
                f"there is no model at {location} in {self.folder}: 'twin models list' shows all"
            )
        verify(folder.name, folder)
        return folder

    def promote(self, author_id: str, location: str | None) -> None:
        """Write production/AUTHOR.json, or remove it."""
        mark = self.folder / "production" / f"{author_id}.json"
        if location is None:
            mark.unlink(missing_ok=True)
            return
        mark.parent.mkdir(parents=True, exist_ok=True)
        unfinished = mark.with_suffix(f".{os.getpid()}")
        unfinished.write_text(json.dumps({"location": location}) + "\n", encoding="utf-8")
        unfinished.replace(mark)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _flush(path: Path) -> None:
    """Only what is on the disk may be named in an event."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
