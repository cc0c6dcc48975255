"""A dataset as rows, and its name, which follows from them. Nothing here does I/O.

Columns as TRL reads them: `prompt` and `completion` for supervised fine-tuning, `prompt`, `chosen` and
`rejected` for preference optimisation, each a list of messages.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from twin_common.chat_layout import ChatMessage, lay_out
from twin_common.identity import AuthorId
from twin_feature_stream.datasets.samples import Pair, Sample

FORMAT = 1
"""Of the rows; a change makes other datasets of the same text."""
INSTRUCT, PREFERENCE = "instruct", "preference"
TRAIN, TEST = "train", "test"
_ID_DIGITS = 16

Row = dict[str, Any]


@dataclass(frozen=True)
class Dataset:
    """The rows of an author's dataset, by configuration and split; a configuration may be empty."""

    author_id: AuthorId
    rows: dict[tuple[str, str], list[Row]]

    @classmethod
    def of(
        cls,
        author_id: AuthorId,
        samples: tuple[Sequence[Sample], Sequence[Sample]],
        pairs: tuple[Sequence[Pair], Sequence[Pair]],
    ) -> "Dataset":
        """Of training and held-out samples and pairs, in whatever order."""
        rows: dict[tuple[str, str], list[Row]] = {}
        for split, of_split in zip((TRAIN, TEST), samples, strict=True):
            rows[INSTRUCT, split] = _sorted(map(_instruct_row, of_split))
        for split, pairs_of_split in zip((TRAIN, TEST), pairs, strict=True):
            rows[PREFERENCE, split] = _sorted(map(_preference_row, pairs_of_split))
        return cls(author_id, rows)

    @property
    def content_hash(self) -> str:
        """sha256 over all that is learnt from or measured with."""
        content = sha256(orjson.dumps([FORMAT, self.author_id]))
        for (configuration, split), rows in sorted(self.rows.items()):
            content.update(orjson.dumps([configuration, split, rows], option=orjson.OPT_SORT_KEYS))
        return content.hexdigest()

    @property
    def dataset_id(self) -> str:
        """The author and the beginning of the hash; safe as the name of a folder."""
        return f"{self.author_id}-{self.content_hash[:_ID_DIGITS]}"

    def count(self, configuration: str, split: str) -> int:
        """How many rows there are."""
        return len(self.rows[configuration, split])

    def documents(self) -> dict[str, tuple[int, str, int]]:
        """Of every document that gave a sample: its version, its split and how many samples."""
        samples = Counter(row["document_id"] for split in (TRAIN, TEST) for row in self.rows[INSTRUCT, split])
        return {
            row["document_id"]: (row["document_version"], split, samples[row["document_id"]])
            for split in (TRAIN, TEST)
            for row in self.rows[INSTRUCT, split]
        }


def _sorted(rows: Any) -> list[Row]:
    return sorted(rows, key=lambda row: str(row["id"]))  # ids are hashes, so this shuffles as well


def _message(text: str) -> list[ChatMessage]:
    return [{"role": "assistant", "content": text}]


def _instruct_row(sample: Sample) -> Row:
    origin = sample.origin
    return {
        "id": sample.sample_id,
        "prompt": lay_out(sample.instruction),
        "completion": _message(sample.answer),
        "kind": sample.kind.value,
        "category": origin.category.value,
        "language": origin.language,
        "document_id": origin.document_id,
        "document_version": origin.version,
        "published_at": origin.published_at.isoformat() if origin.published_at else None,
        "quality": sample.quality,
        "instruction_by": sample.written_by,
    }


def _preference_row(pair: Pair) -> Row:
    return {
        "id": pair.pair_id,
        "prompt": lay_out(pair.instruction),
        "chosen": _message(pair.chosen),
        "rejected": _message(pair.rejected),
        "source": pair.source,
        "rejected_by": pair.model,
        "document_id": pair.origin.document_id if pair.origin else None,
        "document_version": pair.origin.version if pair.origin else None,
    }


@dataclass(frozen=True)
class Difference:
    """What two versions of a dataset do not share; ids, sorted."""

    added: tuple[str, ...]
    """Samples and pairs that only the second has."""
    removed: tuple[str, ...]
    new_documents: tuple[str, ...]
    gone_documents: tuple[str, ...]
    changed_documents: tuple[str, ...]
    """In both, in another version."""


def difference(one: Dataset, other: Dataset) -> Difference:
    """What happened from one version to the other."""
    before, after = _ids(one), _ids(other)
    old, new = one.documents(), other.documents()
    changed = [key for key in old.keys() & new.keys() if old[key][0] != new[key][0]]
    return Difference(
        added=tuple(sorted(after - before)),
        removed=tuple(sorted(before - after)),
        new_documents=tuple(sorted(new.keys() - old.keys())),
        gone_documents=tuple(sorted(old.keys() - new.keys())),
        changed_documents=tuple(sorted(changed)),
    )


def _ids(dataset: Dataset) -> set[str]:
    return {row["id"] for rows in dataset.rows.values() for row in rows}
