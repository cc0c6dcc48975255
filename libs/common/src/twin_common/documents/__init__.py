"""The documents of the platform, from the warehouse's row to the chunk that is searched."""

from twin_common.documents.indexed import (
    Chunk,
    CleanedDocument,
    DocumentHead,
    DocumentState,
    HeadStatus,
    HeadSummary,
    document_state,
)
from twin_common.documents.raw import Authorship, Category, DocumentDraft, RawDocument
from twin_common.documents.record import AuthorSlug, Record, Timestamp
from twin_common.documents.stages import Stage, StagePassed, StageTimes, passed
from twin_common.documents.text import hash_of_chunks, normalise_text, text_hash

__all__ = [
    "AuthorSlug",
    "Authorship",
    "Category",
    "Chunk",
    "CleanedDocument",
    "DocumentDraft",
    "DocumentHead",
    "DocumentState",
    "HeadStatus",
    "HeadSummary",
    "RawDocument",
    "Record",
    "Stage",
    "StagePassed",
    "StageTimes",
    "Timestamp",
    "document_state",
    "hash_of_chunks",
    "normalise_text",
    "passed",
    "text_hash",
]
