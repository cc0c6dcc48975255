"""What a model's folder must be before anybody loads it: complete, unchanged, and without code.

`manifest.json` holds the sha256 of every other file, by its path in the folder.
"""

import json
from collections.abc import Iterable
from hashlib import file_digest
from pathlib import Path

from twin_common.errors import TwinError

MANIFEST = "manifest.json"
# What a model is made of; everything else is refused, so that a new way to hide code is refused as well.
_ALLOWED = {".safetensors", ".gguf", ".json", ".jinja", ".model", ".txt", ".md", ".html"}
# Written by the Hub and by downloads; they belong to no model.
_IGNORED = {".gitattributes", ".cache"}


class UnknownArtefact(TwinError):
    """The registry has no such model."""


class UnsafeArtefact(TwinError):
    """A model brings files that could run code when it is loaded."""


class DamagedArtefact(TwinError):
    """A model's files are not those that it was saved with."""


def check_safe(name: str, files: Iterable[str]) -> None:
    """Refuse a model by the names of its files alone, before anything of it is fetched or read.

    Raises:
        UnsafeArtefact: pickled weights, Python code, or a file of a kind that no model needs.
    """
    for file in sorted(files):
        if file.split("/")[0] in _IGNORED:
            continue
        if Path(file).suffix.lower() not in _ALLOWED or ".." in Path(file).parts:
            raise UnsafeArtefact(
                f"{name} contains {file}, which is none of {', '.join(sorted(_ALLOWED))}: pickles and code "
                "run when a model is loaded; save it as safetensors and publish it again"
            )


def check_configuration(name: str, folder: Path) -> None:
    """Refuse a model whose configuration asks for code of its own.

    Raises:
        UnsafeArtefact: it does.
    """
    for file in sorted(folder.rglob("*.json")):
        if file.name != MANIFEST and '"auto_map"' in file.read_text(encoding="utf-8", errors="replace"):
            raise UnsafeArtefact(
                f"{name} asks for code of its own (auto_map in {file.name}); it is not loaded"
            )


def write_manifest(folder: Path) -> None:
    """Note the hash of every file."""
    text = json.dumps({"sha256": _hashes(folder)}, indent=2) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def verify(name: str, folder: Path) -> None:
    """Compare a model with its manifest.

    Raises:
        UnsafeArtefact: it brings what could run code.
        DamagedArtefact: a file is missing, changed, or not in the manifest.
    """
    check_safe(name, [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()])
    check_configuration(name, folder)
    try:
        expected = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["sha256"]
    except (OSError, ValueError, LookupError) as error:
        raise DamagedArtefact(f"{name} in {folder} has no readable {MANIFEST}: train it again") from error
    found = _hashes(folder)
    wrong = sorted(path for path in expected.keys() | found.keys() if expected.get(path) != found.get(path))
    if wrong:
        raise DamagedArtefact(
            f"{name} in {folder} is not what was saved: {wrong[0]} differs; "
            "delete the folder and fetch or train the model again"
        )


def _hashes(folder: Path) -> dict[str, str]:
    hashes: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file() and str(relative) != MANIFEST and relative.parts[0] not in _IGNORED:
            with path.open("rb") as file:
                hashes[str(relative)] = file_digest(file, "sha256").hexdigest()
    return hashes
