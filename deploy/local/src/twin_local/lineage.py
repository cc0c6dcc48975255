"""What the folder registry holds of an author: dataset versions, models, and what their builds remember."""

import json
from dataclasses import dataclass
from pathlib import Path

from twin_common.identity import AuthorId


@dataclass(frozen=True)
class Descendant:
    """A dataset version or a model."""

    kind: str
    name: str
    folder: Path
    documents: frozenset[str] = frozenset()
    """Ids of the documents whose text is in it, as far as the file says."""


def made_from(registry: Path, author_id: AuthorId) -> list[Descendant]:
    """Everything below the registry whose `lineage.json` names the author.

    The file holds `kind` ("dataset" or "model"), `name` and `authors`, a list of ids. A file that cannot be
    read is named as well: nobody knows what it was made from.
    """
    found: list[Descendant] = []
    for path in sorted(registry.rglob("lineage.json")):
        try:
            lineage = json.loads(path.read_text(encoding="utf-8"))
            kind, name, authors = str(lineage["kind"]), str(lineage["name"]), list(lineage["authors"])
            documents = frozenset(map(_document_id, lineage.get("documents", ())))
        except (OSError, ValueError, KeyError, TypeError):
            kind, name, authors = "unreadable", path.parent.name, [author_id]
            documents = frozenset()
        if author_id in authors:
            found.append(Descendant(kind, name, path.parent, documents))
    return found


def forget_builds(registry: Path, author_id: AuthorId) -> int:
    """Delete what dataset builds remember of the author, the answers about their text too; how many files."""
    files = list((registry / "dataset-builds").glob(f"{author_id}.*"))
    for file in files:
        file.unlink(missing_ok=True)
    return len(files)


def _document_id(entry: str | dict[str, str]) -> str:
    """A dataset names each document with its version, a model by its id alone."""
    return entry if isinstance(entry, str) else entry["document_id"]
