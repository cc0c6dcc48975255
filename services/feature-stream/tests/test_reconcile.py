"""Every kind of damage is found, named and asked for; an index that is right is left alone."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from qdrant_client import AsyncQdrantClient, models

from twin_common.documents import Category, DocumentDraft, RawDocument, text_hash
from twin_common.events import DocumentDeleted, DocumentUpserted, Event, Message, decode
from twin_common.identity import AuthorId, document_id, point_id
from twin_common.vector_index import CHUNKS, DOCUMENTS
from twin_common.warehouse import Warehouse
from twin_feature_stream import reconcile
from twin_feature_stream.difference import Difference
from twin_feature_stream.reconcile import compare

from .conftest import Stream

ADA = AuthorId("ada")
DOCUMENTS_STORED = 12
DAMAGED = document_id(ADA, "https://ada.example/3")


def draft(number: int, text: str | None = None) -> DocumentDraft:
    text = text or Stream.sentences(60, f"word{number}")
    return DocumentDraft.at(
        ADA,
        f"https://ada.example/{number}",
        category=list(Category)[number % 3],
        title=f"No {number}",
        text=text,
    )


async def stored(warehouse: Warehouse) -> list[RawDocument]:
    return [document async for document in warehouse.documents.all()]


@pytest.fixture
async def filled(stream: Stream, warehouse: Warehouse) -> Stream:
    """An index that equals the warehouse."""
    await warehouse.documents.put_many([draft(number) for number in range(DOCUMENTS_STORED)])
    await index_all(stream, warehouse)
    return stream


async def index_all(stream: Stream, warehouse: Warehouse) -> None:
    documents = await stored(warehouse)
    stream.publish(*(Stream.upsert(document) for document in documents))
    await asyncio.to_thread(stream.run, len(documents))


def payload(collection: str, key: str, **values: Any) -> Callable[[AsyncQdrantClient], Awaitable[Any]]:
    async def damage(client: AsyncQdrantClient) -> None:
        await client.set_payload(collection, values, points=[key])

    return damage


async def lose_a_chunk(client: AsyncQdrantClient) -> None:
    await client.delete(CHUNKS, models.PointIdsList(points=[point_id(DAMAGED, 1)]))


async def lose_the_head(client: AsyncQdrantClient) -> None:
    await client.delete(DOCUMENTS, models.PointIdsList(points=[DAMAGED]))


async def keep_a_chunk_too_many(client: AsyncQdrantClient) -> None:
    [point] = await client.retrieve(CHUNKS, [point_id(DAMAGED, 0)], with_payload=True, with_vectors=True)
    extra = {**(point.payload or {}), "chunk_index": 99}
    copy = models.PointStruct(id=point_id(DAMAGED, 99), vector=point.vector, payload=extra)
    await client.upsert(CHUNKS, [copy])


FIRST_CHUNK = point_id(DAMAGED, 0)
STALE = {
    "a chunk is lost": lose_a_chunk,
    "a chunk is too many": keep_a_chunk_too_many,
    "a chunk's hash": payload(CHUNKS, FIRST_CHUNK, text_hash=text_hash("another")),
    "a chunk's version": payload(CHUNKS, FIRST_CHUNK, version=7),
    "a chunk's author": payload(CHUNKS, FIRST_CHUNK, author_id="bob"),
    "a chunk's address": payload(CHUNKS, FIRST_CHUNK, url="https://elsewhere.example/"),
    "a chunk's date": payload(CHUNKS, FIRST_CHUNK, published_at="2001-01-01T00:00:00Z"),
    "the head's version": payload(DOCUMENTS, DAMAGED, version=5),
    "the head's hash": payload(DOCUMENTS, DAMAGED, content_hash="other"),
    "the head's title": payload(DOCUMENTS, DAMAGED, title="Another"),
    "the head's category": payload(DOCUMENTS, DAMAGED, category="post"),
    "the head's author": payload(DOCUMENTS, DAMAGED, author_id="bob"),
}


def difference_events(difference: Difference) -> list[tuple[Message, Event]]:
    """What mends it, without tombstones."""
    return [
        (message, decode(message.value, message.headers, DocumentUpserted, DocumentDeleted).event)
        for message in difference.messages()
        if message.value is not None
    ]


class TestCompare:
    async def test_equal_sides_differ_in_nothing(self, filled: Stream, warehouse: Warehouse) -> None:
        assert not await compare(warehouse, filled.client)

    @pytest.mark.parametrize("kind", STALE)
    async def test_every_damage_to_one_document_is_found_and_mended(
        self, filled: Stream, warehouse: Warehouse, kind: str
    ) -> None:
        await STALE[kind](filled.client)
        difference = await compare(warehouse, filled.client)
        [stale] = difference.stale
        assert difference.counts == {"missing": 0, "stale": 1, "foreign": 0}
        assert stale.stored.document_id == DAMAGED
        assert stale.reasons

    async def test_a_lost_head_is_a_missing_document(self, filled: Stream, warehouse: Warehouse) -> None:
        await lose_the_head(filled.client)
        assert (await compare(warehouse, filled.client)).counts == {"missing": 1, "stale": 0, "foreign": 0}

    async def test_what_the_warehouse_no_longer_has_is_foreign_with_and_without_a_head(
        self, filled: Stream, warehouse: Warehouse
    ) -> None:
        await lose_the_head(filled.client)
        for number in (3, 4):
            gone = draft(number)
            assert await warehouse.documents.delete(gone.document_id, gone.category)
        difference = await compare(warehouse, filled.client)
        assert {entry.document_id for entry in difference.foreign} == {DAMAGED, draft(4).document_id}
        assert difference.counts == {"missing": 0, "stale": 0, "foreign": 2}

    async def test_pages_change_nothing(
        self, filled: Stream, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await lose_a_chunk(filled.client)
        await warehouse.documents.put(draft(5, "Edited."))
        await warehouse.documents.put(draft(77))
        whole = await compare(warehouse, filled.client)
        monkeypatch.setattr(reconcile, "_DOCUMENTS_A_PAGE", 2)
        monkeypatch.setattr(reconcile, "_POINTS_A_PAGE", 3)
        paged = await compare(warehouse, filled.client)
        assert paged.counts == whole.counts == {"missing": 1, "stale": 2, "foreign": 0}
        assert set(paged.stale) == set(whole.stale)

    async def test_a_document_edited_while_it_is_compared_is_not_taken_for_damage(
        self, filled: Stream, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The page of the warehouse is older than the index: deleting what is newer would lose it."""
        [before] = [entry async for entry in warehouse.documents.versions() if entry.document_id == DAMAGED]
        await warehouse.documents.put(draft(3, "Edited."))
        await index_all(filled, warehouse)

        async def old_page(*_: object) -> Any:
            yield before

        monkeypatch.setattr(warehouse.documents, "versions", old_page)
        assert not await compare(warehouse, filled.client)


class TestMending:
    async def test_the_events_bring_both_sides_together(self, filled: Stream, warehouse: Warehouse) -> None:
        for damage in STALE.values():
            await damage(filled.client)
        await warehouse.documents.put(draft(50))
        gone = draft(4)
        await warehouse.documents.delete(gone.document_id, gone.category)
        difference = await compare(warehouse, filled.client)
        documents = {document.document_id: document for document in await stored(warehouse)}
        messages = [
            Stream.upsert(documents[event.document_id]) if isinstance(event, DocumentUpserted) else message
            for message, event in difference_events(difference)
        ]
        filled.publish(*messages)
        await asyncio.to_thread(filled.run)
        assert not await compare(warehouse, filled.client)

    async def test_a_foreign_document_is_deleted_up_to_the_version_that_was_seen(
        self, filled: Stream, warehouse: Warehouse
    ) -> None:
        gone = draft(4)
        await warehouse.documents.delete(gone.document_id, gone.category)
        [(_, event)] = difference_events(await compare(warehouse, filled.client))
        assert isinstance(event, DocumentDeleted)
        assert (event.document_id, event.version) == (gone.document_id, 1)
