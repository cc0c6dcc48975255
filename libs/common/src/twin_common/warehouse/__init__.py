"""The warehouse: every document the platform knows, its author, and what crawling needs to remember."""

from twin_common.warehouse.authors import Authors
from twin_common.warehouse.connection import Warehouse, WarehouseSettings
from twin_common.warehouse.crawl_records import CrawlRecords, PageState
from twin_common.warehouse.documents import Documents, DocumentVersion, WriteKind, WriteOutcome
from twin_common.warehouse.feedback_records import FeedbackRecords

__all__ = [
    "Authors",
    "CrawlRecords",
    "DocumentVersion",
    "Documents",
    "FeedbackRecords",
    "PageState",
    "Warehouse",
    "WarehouseSettings",
    "WriteKind",
    "WriteOutcome",
]
