"""What a model is measured on: an author's samples, texts of others, questions and canaries."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from twin_common.errors import TwinError


class UnreadableDataset(TwinError):
    """A dataset version's files are missing or have other columns than samples have."""


@dataclass(frozen=True)
class Sample:
    """An instruction and the author's own text that answers it."""

    document_id: str
    prompt: str
    answer: str
    is_prose: bool = True
    """Code is no evidence of how somebody writes."""
    language: str | None = None
    """Of prose, as a tag; None where nobody told."""


@dataclass(frozen=True)
class Question:
    """A question whose answer is known, with the passage that holds it, as a reader would be given both."""

    question: str
    evidence: str
    """The words of the passage that answer it."""
    passage: str = ""
    """Empty: the model has to know it."""


@dataclass(frozen=True)
class Canary:
    """A secret that stands in the training text, and what stands before it there."""

    beginning: str
    secret: str


def read_samples(rows_folder: Path) -> tuple[list[Sample], list[Sample]]:
    """The training and held-out samples of a dataset version, given the version's folder.

    Raises:
        UnreadableDataset: the folder has no instruct/train.parquet, or that has no such columns.
    """
    return _read(rows_folder / "instruct/train.parquet", True), _read(
        rows_folder / "instruct/test.parquet", False
    )


def _read(path: Path, is_required: bool) -> list[Sample]:
    from pyarrow import ArrowInvalid, parquet  # type: ignore[import-untyped]

    if not path.exists() and not is_required:
        return []
    try:
        rows = parquet.read_table(path, partitioning=None).to_pylist()
        return [
            Sample(
                document_id=row["document_id"],
                prompt=row["prompt"][-1]["content"],
                answer=row["completion"][-1]["content"],
                is_prose=row["category"] != "code",
                language=row.get("language"),
            )
            for row in rows
        ]
    except (OSError, ArrowInvalid, LookupError, TypeError) as error:
        raise UnreadableDataset(
            f"{path} holds no samples ({error}): build the dataset again with 'twin dataset build'"
        ) from error


def prose(samples: Sequence[Sample]) -> list[Sample]:
    """Without code, unless there is nothing else."""
    return [sample for sample in samples if sample.is_prose] or list(samples)


def main_language(samples: Sequence[Sample]) -> str:
    """The language that most prose is in; English where no sample tells."""
    told = Counter(sample.language for sample in samples if sample.is_prose and sample.language)
    return told.most_common(1)[0][0] if told else "en"


def spread(samples: Sequence[Sample], count: int) -> list[Sample]:
    """So many samples, taken from every document in turn, so that no document fills the budget alone."""
    by_document: dict[str, list[Sample]] = {}
    for sample in samples:
        by_document.setdefault(sample.document_id, []).append(sample)
    turns = (
        (turn, place, sample)
        for place, of_document in enumerate(by_document.values())
        for turn, sample in enumerate(of_document)
    )
    return [sample for *_, sample in sorted(turns, key=lambda found: found[:2])[:count]]
