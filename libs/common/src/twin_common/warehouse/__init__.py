"""The warehouse: every document the platform knows, its author, and what crawling needs to remember."""

from twin_common.warehouse.author_leases import AuthorLeases, Lease
from twin_common.warehouse.authors import Authors
from twin_common.warehouse.connection import Warehouse, WarehouseSettings
from twin_common.warehouse.crawl_records import CrawlRecords, LinkState, PageState, ScheduleState
from twin_common.warehouse.dataset_records import DatasetRecord, DatasetRecords
from twin_common.warehouse.document_rows import DocumentVersion
from twin_common.warehouse.documents import Documents, WriteKind, WriteOutcome
from twin_common.warehouse.feedback_records import FeedbackRecords
from twin_common.warehouse.model_records import ModelRecords, ModelReport, UnknownModel
from twin_common.warehouse.training_jobs import TrainingJobs

__all__ = [
    "AuthorLeases",
    "Authors",
    "CrawlRecords",
    "DatasetRecord",
    "DatasetRecords",
    "DocumentVersion",
    "Documents",
    "FeedbackRecords",
    "Lease",
    "LinkState",
    "ModelRecords",
    "ModelReport",
    "PageState",
    "ScheduleState",
    "TrainingJobs",
    "UnknownModel",
    "Warehouse",
    "WarehouseSettings",
    "WriteKind",
    "WriteOutcome",
]
