"""From a change of the warehouse to messages."""

from datetime import UTC, datetime
from typing import Any

import pytest

from twin_cdc.mapping import Delete, Upsert, join_fragments, to_change, to_messages, traceparent_of
from twin_common.documents import Category, DocumentDraft
from twin_common.events import DocumentDeleted, DocumentUpserted, decode
from twin_common.identity import parse_author_id

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def row(text: str = "Some text.") -> dict[str, Any]:
    draft = DocumentDraft.at(
        parse_author_id("ada"), "https://ada.example/a", category=Category.ARTICLE, title="A", text=text
    )
    return {
        **draft.model_dump(mode="python"),
        "_id": draft.document_id,
        "content_hash": draft.hash_content(),
        "version": 3,
        "stored_at": NOW,
        "traceparent": TRACE,
    }


def upsert(text: str = "Some text.", damage: dict[str, Any] | None = None) -> Upsert:
    stored = row(text) | (damage or {})
    return Upsert(stored["_id"], Category.ARTICLE, stored)


class TestToChange:
    @pytest.mark.parametrize("operation", ["insert", "replace", "update"])
    def test_a_write_is_an_upsert_of_what_is_stored(self, operation: str) -> None:
        event = {
            "operationType": operation,
            "ns": {"coll": "articles"},
            "documentKey": {"_id": "x"},
            "fullDocument": {"_id": "x"},
        }
        assert to_change(event) == Upsert("x", Category.ARTICLE, {"_id": "x"})

    def test_a_deletion_needs_only_the_key(self) -> None:
        event = {"operationType": "delete", "ns": {"coll": "posts"}, "documentKey": {"_id": "x"}}
        assert to_change(event) == Delete("x")

    def test_an_update_of_what_is_gone_by_now_says_nothing(self) -> None:
        event = {
            "operationType": "update",
            "ns": {"coll": "code"},
            "documentKey": {"_id": "x"},
            "fullDocument": None,
        }
        assert to_change(event) is None

    @pytest.mark.parametrize("operation", ["insert", "delete"])
    def test_it_knows_when_by_the_warehouses_clock(self, operation: str) -> None:
        event = {
            "operationType": operation,
            "ns": {"coll": "articles"},
            "documentKey": {"_id": "x"},
            "fullDocument": {"_id": "x"},
            "wallTime": NOW,
        }
        change = to_change(event)
        assert change is not None
        assert change.written_at == NOW

    def test_other_collections_are_not_ours(self) -> None:
        event = {"operationType": "insert", "ns": {"coll": "crawl_state"}, "documentKey": {"_id": "x"}}
        assert to_change(event) is None


class TestJoinFragments:
    def test_each_fragment_has_some_of_the_fields(self) -> None:
        fragments = [
            {"_id": 1, "operationType": "update", "splitEvent": {"fragment": 1, "of": 3}},
            {"_id": 2, "fullDocument": {"_id": "x"}, "splitEvent": {"fragment": 2, "of": 3}},
            {"_id": 3, "ns": {"coll": "code"}, "documentKey": {"_id": "x"}},
        ]
        assert to_change(join_fragments(fragments)) == Upsert("x", Category.CODE, {"_id": "x"})


class TestToMessages:
    def test_a_small_document_travels_inline(self) -> None:
        [message] = to_messages(upsert(), NOW, 10_000, TRACE)
        assert message.value is not None
        envelope = decode(message.value, message.headers, DocumentUpserted)
        assert isinstance(envelope.event, DocumentUpserted)
        assert envelope.event.document is not None
        assert envelope.event.document.text == "Some text."
        assert (envelope.event.version, envelope.event.captured_at) == (3, NOW)
        assert envelope.traceparent == TRACE
        assert message.key.decode() == envelope.event.document_id

    @pytest.mark.parametrize(("text", "limit"), [("x" * 20_000, 10_000), ("é" * 6_000, 10_000), ("x", 0)])
    def test_what_is_over_the_limit_travels_by_claim_check(self, text: str, limit: int) -> None:
        [message] = to_messages(upsert(text), NOW, limit)
        assert message.value is not None
        assert len(message.value) < 1_000
        event = decode(message.value, message.headers, DocumentUpserted).event
        assert isinstance(event, DocumentUpserted)
        assert (event.document, event.version, event.category) == (None, 3, Category.ARTICLE)

    @pytest.mark.parametrize(
        "damage", [{"version": None}, {"version": "two"}, {"text": None}, {"author_id": "No Slug"}]
    )
    def test_a_row_that_is_no_document_is_left_to_the_reader(self, damage: dict[str, Any]) -> None:
        [message] = to_messages(upsert(damage=damage), NOW, 10_000)
        assert message.value is not None
        event = decode(message.value, message.headers, DocumentUpserted).event
        assert isinstance(event, DocumentUpserted)
        assert event.document is None

    def test_a_deletion_is_followed_by_its_tombstone(self) -> None:
        message, tombstone = to_messages(Delete("x"), NOW, 10_000)
        assert message.value is not None
        assert decode(message.value, message.headers, DocumentDeleted).event == DocumentDeleted(
            document_id="x", captured_at=NOW
        )
        assert (tombstone.key, tombstone.value, tombstone.topic) == (b"x", None, message.topic)

    def test_a_deletion_that_was_remembered_spares_what_is_newer(self) -> None:
        message, _ = to_messages(Delete("x", version=4), NOW, 10_000)
        assert message.value is not None
        event = decode(message.value, message.headers, DocumentDeleted).event
        assert event == DocumentDeleted(document_id="x", version=4, captured_at=NOW)

    def test_the_same_version_sent_again_has_the_same_event_id(self) -> None:
        [first] = to_messages(upsert(), NOW, 10_000)
        [again] = to_messages(upsert(), NOW, 0)
        assert dict(first.headers)["ce_id"] == dict(again.headers)["ce_id"]


class TestTraceparentOf:
    def test_it_is_that_of_the_crawl(self) -> None:
        assert traceparent_of(upsert()) == TRACE

    def test_a_deletion_has_none(self) -> None:
        assert traceparent_of(Delete("x")) is None
