"""Versioned documents, against a real server: what a write does, and that concurrent writers lose nothing."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from twin_common.clock import utc_now
from twin_common.documents import Category, DocumentDraft
from twin_common.identity import AuthorId
from twin_common.warehouse import Warehouse, WriteKind, WriteOutcome

_AUTHOR = AuthorId("ada")


def _draft(page: str = "a", text: str = "one", author: str = _AUTHOR, **fields: Any) -> DocumentDraft:
    fields = {"category": Category.ARTICLE, "title": page} | fields
    return DocumentDraft.at(AuthorId(author), f"https://example.com/{page}", text=text, **fields)


async def _stored_versions(warehouse: Warehouse) -> dict[str, int]:
    return {stored.document_id: stored.version async for stored in warehouse.documents.versions()}


class TestPut:
    async def test_inserts_then_updates_then_leaves_alone(self, warehouse: Warehouse) -> None:
        documents, identity = warehouse.documents, _draft().document_id
        assert await documents.put(_draft()) == WriteOutcome(identity, WriteKind.INSERTED, 1)
        assert await documents.put(_draft(text="two")) == WriteOutcome(identity, WriteKind.UPDATED, 2)
        assert await documents.put(_draft(text="two")) == WriteOutcome(identity, WriteKind.UNCHANGED, 2)
        assert await documents.put(_draft()) == WriteOutcome(identity, WriteKind.UPDATED, 3)

    async def test_a_write_repeated_after_a_lost_answer_tells_what_the_first_one_did(
        self, warehouse: Warehouse
    ) -> None:
        documents, at = warehouse.documents, utc_now()
        later = at + timedelta(seconds=1)
        inserted = await documents.put_many([_draft(), _draft("b")], written_at=at)
        assert {outcome.kind for outcome in inserted} == {WriteKind.INSERTED}
        assert await documents.put_many([_draft(), _draft("b")], written_at=at) == inserted
        updated = await documents.put_many([_draft(text="two")], written_at=later)
        assert await documents.put_many([_draft(text="two")], written_at=later) == updated
        assert [outcome.kind for outcome in updated] == [WriteKind.UPDATED]
        await documents.delete(_draft("b").document_id, Category.ARTICLE)
        back = await documents.put_many([_draft("b")], written_at=later)
        assert await documents.put_many([_draft("b")], written_at=later) == back
        assert back == [WriteOutcome(_draft("b").document_id, WriteKind.INSERTED, 2)]
        other = await documents.put_many([_draft("b")], written_at=later + timedelta(seconds=1))
        assert [outcome.kind for outcome in other] == [WriteKind.UNCHANGED]

    async def test_what_is_stored_is_what_was_written(self, warehouse: Warehouse) -> None:
        draft = _draft(
            text="# Ünïcode\n\n```\ncode\n```",
            category=Category.CODE,
            published_at="2024-05-01T12:00:00.123+02:00",
            metadata={"repository": "ada/engine", "a.b": "$c"},
            language="en",
        )
        await warehouse.documents.put(draft, traceparent="00-aa-bb-01")
        stored = await warehouse.documents.get(draft.document_id)
        assert stored is not None
        assert DocumentDraft.model_validate(stored.model_dump()) == draft
        assert (stored.version, stored.content_hash) == (1, draft.hash_content())
        assert stored.traceparent == "00-aa-bb-01" and stored.stored_at.tzinfo is not None

    async def test_an_unchanged_document_keeps_the_trace_and_time_of_its_version(
        self, warehouse: Warehouse
    ) -> None:
        await warehouse.documents.put(_draft(), traceparent="first")
        before = await warehouse.documents.get(_draft().document_id)
        await warehouse.documents.put(_draft(metadata={"newer": "commit"}), traceparent="second")
        assert await warehouse.documents.get(_draft().document_id) == before

    async def test_many_at_once_come_back_in_order(self, warehouse: Warehouse) -> None:
        await warehouse.documents.put_many([_draft("same"), _draft("edited")])
        drafts = [
            _draft("new"),
            _draft("edited", "two"),
            _draft("same"),
            _draft("code", category=Category.CODE),
        ]
        outcomes = await warehouse.documents.put_many(drafts)
        assert [outcome.document_id for outcome in outcomes] == [draft.document_id for draft in drafts]
        assert [(outcome.kind, outcome.version) for outcome in outcomes] == [
            (WriteKind.INSERTED, 1),
            (WriteKind.UPDATED, 2),
            (WriteKind.UNCHANGED, 1),
            (WriteKind.INSERTED, 1),
        ]

    async def test_of_two_drafts_of_one_document_in_a_call_the_later_counts(
        self, warehouse: Warehouse
    ) -> None:
        outcomes = await warehouse.documents.put_many(
            [_draft(text="early"), _draft("b"), _draft(text="late")]
        )
        assert outcomes[0] == outcomes[2] == WriteOutcome(_draft().document_id, WriteKind.INSERTED, 1)
        stored = await warehouse.documents.get(_draft().document_id)
        assert stored is not None and stored.text == "late"

    async def test_nothing_is_no_work(self, warehouse: Warehouse) -> None:
        assert await warehouse.documents.put_many([]) == []

    async def test_authors_do_not_share_documents(self, warehouse: Warehouse) -> None:
        await warehouse.documents.put_many([_draft(), _draft(text="two", author="bob")])
        assert sorted((await _stored_versions(warehouse)).values()) == [1, 1]


class TestCategoryChange:
    async def test_moves_the_document_and_its_version_grows(self, warehouse: Warehouse) -> None:
        await warehouse.documents.put(_draft())
        outcome = await warehouse.documents.put(_draft(category=Category.POST))
        assert (outcome.kind, outcome.version) == (WriteKind.UPDATED, 2)
        assert await warehouse.documents.get(outcome.document_id, Category.ARTICLE) is None
        moved = await warehouse.documents.get(outcome.document_id)
        assert moved is not None and moved.category is Category.POST

    async def test_there_and_back_never_repeats_a_version(self, warehouse: Warehouse) -> None:
        path = [Category.ARTICLE, Category.POST, Category.ARTICLE, Category.CODE]
        outcomes = [await warehouse.documents.put(_draft(category=category)) for category in path]
        assert [outcome.version for outcome in outcomes] == [1, 2, 3, 4]
        assert list((await _stored_versions(warehouse)).values()) == [4]


class TestDelete:
    async def test_what_comes_back_has_a_higher_version_even_with_equal_content(
        self, warehouse: Warehouse
    ) -> None:
        await warehouse.documents.put(_draft())
        await warehouse.documents.put(_draft(text="two"))
        assert await warehouse.documents.delete(_draft().document_id, Category.ARTICLE)
        assert await warehouse.documents.get(_draft().document_id) is None
        outcome = await warehouse.documents.put(_draft(text="two"))
        assert (outcome.kind, outcome.version) == (WriteKind.INSERTED, 3)

    async def test_says_when_there_was_nothing(self, warehouse: Warehouse) -> None:
        await warehouse.documents.put(_draft())
        assert not await warehouse.documents.delete(_draft().document_id, Category.CODE)
        assert not await warehouse.documents.delete(_draft("b").document_id, Category.ARTICLE)
        assert await _stored_versions(warehouse) == {_draft().document_id: 1}

    async def test_one_of_many_deleters_deletes(self, warehouse: Warehouse) -> None:
        await warehouse.documents.put(_draft())
        identity = _draft().document_id
        deleted = await asyncio.gather(
            *(warehouse.documents.delete(identity, Category.ARTICLE) for _ in range(8))
        )
        assert sum(deleted) == 1


class TestConcurrentWriters:
    @pytest.mark.parametrize("writers", [5, 20])
    async def test_versions_are_consecutive_and_no_update_is_lost(
        self, warehouse: Warehouse, writers: int
    ) -> None:
        writes = [warehouse.documents.put(_draft(text=f"by writer {number}")) for number in range(writers)]
        outcomes = await asyncio.gather(*writes)
        assert sorted(outcome.version for outcome in outcomes) == list(range(1, writers + 1))
        assert [outcome.kind for outcome in outcomes].count(WriteKind.INSERTED) == 1
        last = max(range(writers), key=lambda number: outcomes[number].version)
        stored = await warehouse.documents.get(_draft().document_id)
        assert stored is not None
        assert (stored.version, stored.text) == (writers, f"by writer {last}")

    async def test_batches_that_overlap_lose_nothing(self, warehouse: Warehouse) -> None:
        pages = [f"page-{number}" for number in range(10)]
        await warehouse.documents.put_many([_draft(page) for page in pages[::2]])
        batches = [[_draft(page, f"by writer {writer}") for page in pages] for writer in range(6)]
        results = await asyncio.gather(*map(warehouse.documents.put_many, batches))
        for position, page in enumerate(pages):
            first = 2 if position % 2 == 0 else 1
            by_version = {result[position].version: writer for writer, result in enumerate(results)}
            assert sorted(by_version) == list(range(first, first + 6))
            stored = await warehouse.documents.get(_draft(page).document_id)
            assert stored is not None
            assert (stored.version, stored.text) == (first + 5, f"by writer {by_version[first + 5]}")

    async def test_writers_of_equal_content_agree_on_one_version(self, warehouse: Warehouse) -> None:
        outcomes = await asyncio.gather(*(warehouse.documents.put(_draft()) for _ in range(10)))
        assert {outcome.version for outcome in outcomes} == {1}
        assert [outcome.kind for outcome in outcomes].count(WriteKind.INSERTED) == 1

    async def test_versions_grow_across_deletions_in_between(self, warehouse: Warehouse) -> None:
        async def write(writer: int) -> list[int]:
            drafts = [_draft(text=f"{writer}.{number}") for number in range(8)]
            return [(await warehouse.documents.put(draft)).version for draft in drafts]

        async def delete() -> None:
            for _ in range(12):
                await warehouse.documents.delete(_draft().document_id, Category.ARTICLE)

        one, other, _ = await asyncio.gather(write(1), write(2), delete())
        written = one + other
        await warehouse.documents.delete(_draft().document_id, Category.ARTICLE)
        final = await warehouse.documents.put(_draft(text="final"))
        assert len(set(written)) == len(written)
        assert final.version > max(written)


class TestReading:
    async def test_many_by_id_and_category_without_those_that_are_gone(self, warehouse: Warehouse) -> None:
        code = _draft("code", category=Category.CODE)
        await warehouse.documents.put_many([_draft(), code])
        wanted = [
            (_draft().document_id, Category.ARTICLE),
            (code.document_id, Category.CODE),
            (code.document_id, Category.POST),
            (_draft("never").document_id, Category.ARTICLE),
        ]
        found = await warehouse.documents.get_many(wanted)
        assert {key: document.title for key, document in found.items()} == {
            _draft().document_id: "a",
            code.document_id: "code",
        }
        assert await warehouse.documents.get_many([]) == {}

    async def test_versions_of_one_author_or_of_all(self, warehouse: Warehouse) -> None:
        drafts = [
            _draft(),
            _draft("b", category=Category.POST),
            _draft("c", author="bob", category=Category.CODE),
        ]
        await warehouse.documents.put_many(drafts)
        every = [stored async for stored in warehouse.documents.versions()]
        assert {
            (stored.document_id, stored.author_id, stored.category, stored.version) for stored in every
        } == {(draft.document_id, draft.author_id, draft.category, 1) for draft in drafts}
        assert {stored.content_hash for stored in every} == {draft.hash_content() for draft in drafts}
        of_bob = [stored.document_id async for stored in warehouse.documents.versions(AuthorId("bob"))]
        assert of_bob == [drafts[2].document_id]

    async def test_whole_documents_of_one_author_or_of_all(self, warehouse: Warehouse) -> None:
        await warehouse.documents.put_many(
            [_draft(), _draft("b", category=Category.POST), _draft(author="bob")]
        )
        assert len([document async for document in warehouse.documents.all()]) == 3
        titles = {document.title async for document in warehouse.documents.all(_AUTHOR)}
        assert titles == {"a", "b"}

    async def test_addresses_of_one_author(self, warehouse: Warehouse) -> None:
        outcomes = await warehouse.documents.put_many(
            [_draft("a"), _draft("b", category=Category.POST), _draft("c", author="ben")]
        )
        assert await warehouse.documents.urls(_AUTHOR) == {
            outcomes[0].document_id: "https://example.com/a",
            outcomes[1].document_id: "https://example.com/b",
        }
