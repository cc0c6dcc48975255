from collections.abc import Callable, Sequence
from typing import Any

import pytest
from pydantic import ValidationError

from twin_common.clock import utc_now
from twin_common.dead_letter import SourceRecord, reasons
from twin_common.documents import Category, HeadStatus, HeadSummary, RawDocument
from twin_common.events import Message
from twin_common.testing.embedding import HashingEmbedder
from twin_feature_stream.chunking import ChunkingPolicy
from twin_feature_stream.preparation import Preparation
from twin_feature_stream.work import Received, Removal, Repetition, Replacement

Prepare = Callable[..., list[Any]]


def received(message: Message) -> Received:
    record = SourceRecord("t", 0, 0, message.key, message.value, message.headers)
    return Received(record, utc_now())


class Stores:
    """The warehouse and the heads, as dictionaries that count how often they are asked."""

    def __init__(self) -> None:
        self.documents: dict[str, RawDocument] = {}
        self.heads: dict[str, HeadSummary] = {}
        self.broken: set[str] = set()
        self.reads: list[int] = []

    def read_documents(self, wanted: Sequence[tuple[str, Category]]) -> dict[str, RawDocument]:
        self.reads.append(len(wanted))
        if any(key in self.broken for key, _ in wanted):
            RawDocument.model_validate({})
        return {key: self.documents[key] for key, _ in wanted if key in self.documents}

    def read_heads(self, document_ids: Sequence[str]) -> dict[str, HeadSummary]:
        return {key: head for key, head in self.heads.items() if key in document_ids}


@pytest.fixture
def stores() -> Stores:
    return Stores()


@pytest.fixture
def prepare(stores: Stores) -> Prepare:
    preparation = Preparation(
        read_heads=stores.read_heads,
        read_documents=stores.read_documents,
        count_tokens=HashingEmbedder().count_tokens,
        chunking=ChunkingPolicy(256),
        max_text_bytes=1000,
    )
    return lambda *messages: preparation.prepare([received(message) for message in messages])


class TestClaimChecks:
    def test_they_are_read_in_one_query(self, stream: Any, stores: Stores, prepare: Prepare) -> None:
        documents = [stream.document(f"d{number}") for number in range(5)]
        stores.documents = {document.document_id: document for document in documents}
        work = prepare(*(stream.upsert(document, inline=False) for document in documents))
        assert stores.reads == [5]
        assert [entry.head.status for entry in work] == [HeadStatus.SEARCHABLE] * 5

    def test_a_document_that_is_gone_is_left_to_its_deletion(self, stream: Any, prepare: Prepare) -> None:
        assert prepare(stream.upsert(stream.document(), inline=False)) == []

    def test_a_newer_document_is_indexed_as_what_it_is(
        self, stream: Any, stores: Stores, prepare: Prepare
    ) -> None:
        newer = stream.document(text="Newer.", version=7)
        stores.documents = {newer.document_id: newer}
        (work,) = prepare(stream.upsert(stream.document(version=6), inline=False))
        assert (work.head.version, work.head.text) == (7, "Newer.")

    def test_a_malformed_row_harms_no_other(self, stream: Any, stores: Stores, prepare: Prepare) -> None:
        good, bad = stream.document("good"), stream.document("bad")
        stores.documents, stores.broken = {good.document_id: good}, {bad.document_id}
        with pytest.raises(ValidationError):
            stores.read_documents([(bad.document_id, bad.category)])
        letter, work = prepare(stream.upsert(good, inline=False), stream.upsert(bad, inline=False))
        assert reasons(letter.headers)["error_reason"] == "malformed_document"
        assert work.head.document_id == good.document_id

    def test_the_documents_own_trace_is_continued(
        self, stream: Any, stores: Stores, prepare: Prepare
    ) -> None:
        trace = "00-11111111111111111111111111111111-2222222222222222-01"
        document = stream.document().model_copy(update={"traceparent": trace})
        (work,) = prepare(stream.upsert(document))
        assert work.change.traceparent == trace


class TestOrder:
    def test_a_removal_comes_before_the_new_document(
        self, stream: Any, stores: Stores, prepare: Prepare
    ) -> None:
        document = stream.document(version=3)
        (known,) = prepare(stream.upsert(document))
        stores.heads = {document.document_id: known.head}
        assert [type(entry) for entry in prepare(stream.upsert(document))] == [Repetition]
        work = prepare(stream.delete(document, version=3), stream.upsert(document))
        assert [type(entry) for entry in work] == [Removal, Replacement]
        assert not work[0].announced
