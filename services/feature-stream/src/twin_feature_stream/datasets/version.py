"""What is kept beside the rows of a dataset: where they come from and how they came to be."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from twin_common.documents import AuthorSlug, Timestamp
from twin_common.events import DatasetReady


class SourceDocument(BaseModel):
    """A document whose text is in the dataset."""

    model_config = ConfigDict(frozen=True)
    document_id: str
    version: int
    split: str
    samples: int


class Lineage(BaseModel):
    """Whence a dataset comes; `kind`, `name` and `authors` are what an erasure looks for in a registry."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)
    kind: Literal["dataset"] = "dataset"
    name: str
    """The dataset's id."""
    authors: tuple[AuthorSlug, ...]
    content_hash: str
    created_at: Timestamp
    documents: tuple[SourceDocument, ...]
    instructions_by: tuple[str, ...]
    """The versions of rules and prompts, with the model's name, that wrote at least one instruction."""
    rejected_by: tuple[str, ...]
    """The models that wrote at least one rejected answer."""
    code_version: str
    files: dict[str, str] = Field(default_factory=dict)
    """sha256 of each Parquet file, by its path in the version's folder; for readers that know no more."""


class Statistics(BaseModel):
    """What a dataset holds, and what it does not."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)
    documents_read: int
    """Everything the index has of the author."""
    documents_dropped: dict[str, int]
    samples_dropped: dict[str, int]
    pairs_dropped: dict[str, int]
    model_failures: dict[str, int]
    """Of the instruction model by reason; its samples have instructions by rules."""
    redacted: dict[str, int]
    """Secrets and personal data that were replaced, by kind."""
    boilerplate_paragraphs: int
    rows: dict[str, int]
    """By configuration and split, such as instruct/train."""
    kinds: dict[str, int]
    """Training samples by kind of instruction."""
    categories: dict[str, int]
    """Training samples by category."""
    feedback_pairs: int
    answer_words: int
    """In the training answers."""
    warnings: tuple[str, ...] = Field(default=())

    def report(self) -> dict[str, dict[str, int]]:
        """The counts that have parts, for a reader who asks what is in it and what is not."""
        return {
            "rows": self.rows,
            "training samples by kind": self.kinds,
            "training samples by category": self.categories,
            "documents dropped": self.documents_dropped,
            "samples dropped": self.samples_dropped,
            "pairs dropped": self.pairs_dropped,
            "replaced": self.redacted,
            "model failures": self.model_failures,
        }


class DatasetVersion(BaseModel):
    """A dataset in the registry, without its rows."""

    model_config = ConfigDict(frozen=True)
    lineage: Lineage
    statistics: Statistics

    @property
    def dataset_id(self) -> str:
        return self.lineage.name

    @property
    def created_at(self) -> datetime:
        return self.lineage.created_at

    def event(self, location: str) -> DatasetReady:
        """What the world is told of it."""
        rows = self.statistics.rows
        return DatasetReady(
            dataset_id=self.dataset_id,
            author_id=self.lineage.authors[0],
            content_hash=self.lineage.content_hash,
            location=location,
            documents=len(self.lineage.documents),
            train_samples=rows["instruct/train"],
            test_samples=rows["instruct/test"],
            preference_pairs=rows["preference/train"] + rows["preference/test"],
            warnings=self.statistics.warnings,
            created_at=self.created_at,
        )
