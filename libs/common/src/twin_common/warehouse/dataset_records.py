"""Which datasets exist: the collection `datasets`, written by who builds them and shown to their author."""

from typing import Any

from pydantic import Field
from pymongo.asynchronous.database import AsyncDatabase

from twin_common.documents import AuthorSlug, Record, Timestamp
from twin_common.events import DatasetReady
from twin_common.identity import AuthorId
from twin_common.warehouse.erasures import Erasures


class DatasetRecord(Record):
    """A version of an author's dataset, as it is shown; the rows are in the registry."""

    dataset_id: str
    author_id: AuthorSlug
    content_hash: str
    location: str
    """The dataset's folder in the registry, relative to it."""
    documents: int
    train_samples: int
    test_samples: int
    preference_pairs: int
    warnings: tuple[str, ...] = ()
    created_at: Timestamp
    report: dict[str, dict[str, int]] = Field(default_factory=dict)
    """Counts by what is counted: samples by kind, documents that were dropped by reason, and so on."""

    @classmethod
    def of(cls, event: DatasetReady, report: dict[str, dict[str, int]]) -> "DatasetRecord":
        """What was announced, with its report."""
        return cls(**event.model_dump(), report=report)


class DatasetRecords:
    """The collection `datasets`."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._collection = database["datasets"]
        self._erasures = Erasures(database)

    async def create_indexes(self) -> None:
        await self._collection.create_index("author_id")

    async def put(self, record: DatasetRecord) -> None:
        """Keep it; once more changes nothing, and an erased author has none."""
        if await self._erasures.is_erased(record.author_id):
            return
        row = record.model_dump(mode="python")
        await self._collection.replace_one({"_id": record.dataset_id}, row, upsert=True)

    async def all(self, author_id: AuthorId) -> list[DatasetRecord]:
        """The author's datasets, newest first."""
        rows = await self._collection.find({"author_id": author_id}).to_list()
        return sorted(map(DatasetRecord.model_validate, rows), key=lambda row: row.created_at, reverse=True)
