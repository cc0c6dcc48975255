"""Checkpoints that are known to be whole: the last file written into one says what is in it.

A checkpoint folder is named checkpoint-STEP. Whatever was being written when the process died has no
manifest, or one that its files do not agree with; it is removed, never resumed from.
"""

import json
import os
import shutil
from hashlib import file_digest
from pathlib import Path

_MANIFEST = "COMPLETE"
_PREFIX = "checkpoint-"


def seal(folder: Path) -> None:
    """Flush the files of a folder to the disk, then write what they are."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != _MANIFEST)
    for path in files:
        _flush(path)
    content = {str(path.relative_to(folder)): _hash(path) for path in files}
    unfinished = folder / f".{_MANIFEST}"
    unfinished.write_text(json.dumps(content, indent=1), encoding="utf-8")
    _flush(unfinished)
    unfinished.replace(folder / _MANIFEST)
    _flush(folder)


def is_complete(folder: Path) -> bool:
    """Whether a folder holds exactly what was sealed in it; reads all of it."""
    manifest = folder / _MANIFEST
    if not manifest.exists():
        return False
    content: dict[str, str] = json.loads(manifest.read_text(encoding="utf-8"))
    return all(
        (folder / name).is_file() and _hash(folder / name) == digest for name, digest in content.items()
    )


def newest_complete(folder: Path) -> Path | None:
    """The checkpoint to resume from; later ones that are not whole are removed."""
    for checkpoint in sorted(_checkpoints(folder), key=_step, reverse=True):
        if is_complete(checkpoint):
            return checkpoint
        shutil.rmtree(checkpoint)
    return None


def keep_only(folder: Path, *kept: Path) -> None:
    """Remove all other checkpoints."""
    names = {path.name for path in kept}
    for checkpoint in _checkpoints(folder):
        if checkpoint.name not in names:
            shutil.rmtree(checkpoint)


def _checkpoints(folder: Path) -> list[Path]:
    return [path for path in folder.glob(f"{_PREFIX}*") if path.name.removeprefix(_PREFIX).isdigit()]


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.removeprefix(_PREFIX))


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
