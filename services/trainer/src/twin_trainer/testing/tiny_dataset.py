"""A dataset version as the registry has it, of a few sentences: a tiny model learns it in seconds."""

import json
from hashlib import sha256
from pathlib import Path

from twin_common.documents import AuthorSlug
from twin_common.events import DatasetReady

_OPENINGS = ("The ferry", "A lantern", "My notebook", "The river", "An old clock", "The harbour")
_MIDDLES = ("comes back late", "keeps its own time", "asks nobody", "waits for the fog", "forgets the rest")
_ENDS = ("and we let it.", "as it always has.", "which is enough.", "and so do I.", "on most Sundays.")


def write_tiny_dataset(
    registry: Path, author_id: AuthorSlug, documents: int = 24, held_out: int = 8
) -> DatasetReady:
    """Write datasets/AUTHOR-HASH/ and return what is announced of it; equal arguments, equal dataset."""
    rows = {
        "train": [_row(number) for number in range(documents)],
        "test": [_row(number) for number in range(documents, documents + held_out)],
    }
    content_hash = sha256(json.dumps([author_id, rows]).encode()).hexdigest()
    dataset_id = f"{author_id}-{content_hash[:16]}"
    location = f"datasets/{dataset_id}"
    files = {
        f"instruct/{split}.parquet": _write(registry / location / f"instruct/{split}.parquet", of_split)
        for split, of_split in rows.items()
    }
    lineage = {
        "kind": "dataset",
        "name": dataset_id,
        "authors": [author_id],
        "content_hash": content_hash,
        "documents": [{"document_id": row["document_id"]} for of_split in rows.values() for row in of_split],
        "files": files,
    }
    (registry / location / "lineage.json").write_text(json.dumps(lineage), encoding="utf-8")
    return DatasetReady(
        dataset_id=dataset_id,
        author_id=author_id,
        content_hash=content_hash,
        location=location,
        documents=documents + held_out,
        train_samples=documents,
        test_samples=held_out,
        preference_pairs=0,
    )


def _row(number: int) -> dict[str, object]:
    places = [(number + turn, number * 3 + turn, number * 7 + turn) for turn in range(6)]
    sentences = [
        f"{_OPENINGS[first % 6]} {_MIDDLES[then % 5]}, {_ENDS[last % 5]}" for first, then, last in places
    ]
    return {
        "id": f"sample-{number}",
        "prompt": [{"role": "user", "content": f"Write note {number}."}],
        "completion": [{"role": "assistant", "content": " ".join(sentences)}],
        "category": "article",
        "document_id": f"document-{number}",
    }


def _write(path: Path, rows: list[dict[str, object]]) -> str:
    import pyarrow as arrow  # type: ignore[import-untyped]
    from pyarrow import parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(arrow.Table.from_pylist(rows), path)
    return sha256(path.read_bytes()).hexdigest()
