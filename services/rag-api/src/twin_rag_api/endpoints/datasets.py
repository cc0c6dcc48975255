"""The caller's datasets: what could be learnt from their texts."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from twin_rag_api.dependencies import Scope, ServiceResources

router = APIRouter(prefix="/v1", tags=["datasets"])


class DatasetEntry(BaseModel):
    """A version of the author's dataset."""

    model_config = ConfigDict(use_attribute_docstrings=True)
    dataset_id: str
    created_at: datetime
    documents: int
    train_samples: int
    test_samples: int
    preference_pairs: int
    warnings: list[str]
    report: dict[str, dict[str, int]]
    """Counts by what is counted: samples by kind, documents that were dropped by reason, and so on."""


class DatasetList(BaseModel):
    """All versions, newest first."""

    datasets: list[DatasetEntry]


@router.get("/datasets")
async def list_datasets(scope: Scope, resources: ServiceResources) -> DatasetList:
    """The author's datasets, with what each holds and what was left out."""
    records = await resources.warehouse.datasets.all(scope.author_id)
    return DatasetList(
        datasets=[
            DatasetEntry(**record.model_dump(include=set(DatasetEntry.model_fields))) for record in records
        ]
    )
