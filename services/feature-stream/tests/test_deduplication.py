"""Near copies through the whole flow."""

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from itertools import permutations
from types import SimpleNamespace
from typing import Any

import pytest

from twin_common.documents import DocumentHead, HeadStatus, RawDocument
from twin_common.events import DocumentUpserted, Message, decode
from twin_common.topics import DOCUMENT_CHANGES
from twin_common.vector_index import CHUNKS, DOCUMENTS
from twin_common.warehouse import DocumentVersion
from twin_feature_stream.reconcile import compare

TEXT = (
    "The night train leaves at ten and arrives before the bakeries open. I took it every Friday for three "
    "years, always with the same book, and never once got further than the second chapter. Somewhere after "
    "the border the heating fails, people put on their coats, and a stranger offers tea from a steel flask. "
    "What I remember of those years is that tea, and the light of small stations passing over the ceiling."
)
DATES = {"blog": 1, "medium": 2, "linkedin": 3}


def copy(stream: Any, name: str, text: str = TEXT, version: int = 1) -> RawDocument:
    published = datetime(2024, 1, DATES[name], tzinfo=UTC)
    document: RawDocument = stream.document(name, text, version, published_at=published)
    return document


async def settle(stream: Any, *messages: Message, warehouse: dict[str, RawDocument]) -> list[int]:
    """Run until no event is left; what the stream asks of itself is answered inline from `warehouse`.

    Returns:
        How many documents were searchable after each run.
    """
    counts = []
    stream.publish(*messages)
    for _ in range(10):
        sent = stream.run()
        heads = await stream.heads()
        counts.append(sum(head.status is HeadStatus.SEARCHABLE for head in heads.values()))
        asked = [message for message in sent if message.topic == DOCUMENT_CHANGES.name]
        if not asked:
            return counts
        for message in asked:
            event = decode(message.value or b"", message.headers, DocumentUpserted).event
            assert isinstance(event, DocumentUpserted)
            assert event.again
            stream.publish(stream.upsert(warehouse[event.document_id], again=True))
    raise AssertionError("the events never end")


def by_name(heads: dict[str, DocumentHead]) -> dict[str, DocumentHead]:
    return {head.title: head for head in heads.values()}


class Stored:
    """The documents of a warehouse, as a comparison asks for them."""

    def __init__(self, known: dict[str, RawDocument]) -> None:
        self._versions = {
            key: DocumentVersion(
                key,
                document.author_id,
                document.category,
                document.version,
                document.content_hash,
                document.platform,
                document.url,
                document.title,
                document.language,
                document.published_at,
            )
            for key, document in known.items()
        }

    async def versions(self) -> AsyncIterator[DocumentVersion]:
        for version in self._versions.values():
            yield version

    async def versions_of(self, document_ids: Iterable[str]) -> dict[str, DocumentVersion]:
        return {key: self._versions[key] for key in document_ids if key in self._versions}


class TestCollapse:
    @pytest.mark.parametrize("order", list(permutations(DATES)))
    async def test_one_is_searchable_with_all_addresses_whatever_came_first(
        self, stream: Any, order: tuple[str, ...]
    ) -> None:
        documents = {name: copy(stream, name, f"{TEXT} Posted on {name}.") for name in DATES}
        known = {document.document_id: document for document in documents.values()}
        for name in order:
            await settle(stream, stream.upsert(documents[name]), warehouse=known)
        heads = by_name(await stream.heads())
        blog = documents["blog"]
        assert heads["blog"].status is HeadStatus.SEARCHABLE
        assert heads["blog"].addresses == tuple(documents[name].url for name in DATES)
        for name in ("medium", "linkedin"):
            head = heads[name]
            assert (head.status, head.duplicate_of) == (HeadStatus.SKIPPED, blog.document_id)
            assert (head.reason, head.text, head.chunk_count) == (f"duplicate of {blog.url}", "", 0)
        payloads = [payload for payload, _ in (await stream.points()).values()]
        assert {payload["document_id"] for payload in payloads} == {blog.document_id}

    async def test_another_authors_copy_stays(self, stream: Any) -> None:
        mine = copy(stream, "blog")
        theirs = mine.model_copy(update={"author_id": "bob"})
        await settle(stream, stream.upsert(mine), stream.upsert(theirs), warehouse={})
        assert {head.status for head in (await stream.heads()).values()} == {HeadStatus.SEARCHABLE}
        assert len(await stream.heads()) == 2


class TestParting:
    async def _pair(self, stream: Any) -> tuple[dict[str, RawDocument], RawDocument, RawDocument]:
        first, second = copy(stream, "blog"), copy(stream, "medium", TEXT + " Also on Medium.")
        known = {first.document_id: first, second.document_id: second}
        await settle(stream, stream.upsert(first), stream.upsert(second), warehouse=known)
        return known, first, second

    async def test_the_other_takes_over_one_event_after_the_leader_is_removed(self, stream: Any) -> None:
        known, first, second = await self._pair(stream)
        counts = await settle(stream, stream.delete(first), warehouse=known)
        assert counts == [0, 1]
        (head,) = (await stream.heads()).values()
        assert (head.document_id, head.addresses, head.reason) == (second.document_id, (second.url,), None)
        assert head.text

    async def test_the_leader_forgets_a_copy_that_is_removed(self, stream: Any) -> None:
        known, first, second = await self._pair(stream)
        counts = await settle(stream, stream.delete(second), warehouse=known)
        assert set(counts) == {1}
        (head,) = (await stream.heads()).values()
        assert (head.document_id, head.addresses) == (first.document_id, (first.url,))

    async def test_an_edit_that_keeps_them_near_does_not_part_them(self, stream: Any) -> None:
        known, first, second = await self._pair(stream)
        for name, edited in (("blog", first), ("medium", second)):
            known[edited.document_id] = copy(stream, name, TEXT + " One line more.", version=2)
            counts = await settle(stream, stream.upsert(known[edited.document_id]), warehouse=known)
            assert counts == [1]
        heads = by_name(await stream.heads())
        assert (heads["blog"].version, heads["medium"].version) == (2, 2)
        assert heads["medium"].duplicate_of == first.document_id

    @pytest.mark.parametrize("name", ["blog", "medium"])
    async def test_an_edit_that_makes_them_differ_parts_them(self, stream: Any, name: str) -> None:
        known, *_ = await self._pair(stream)
        edited = copy(stream, name, "Something quite different is said here now. " * 3, version=2)
        known[edited.document_id] = edited
        await settle(stream, stream.upsert(edited), warehouse=known)
        heads = (await stream.heads()).values()
        assert {head.status for head in heads} == {HeadStatus.SEARCHABLE}
        assert all(head.addresses == (head.url,) for head in heads)

    async def test_what_a_crash_swallowed_is_asked_again(self, stream: Any) -> None:
        known, first, _ = await self._pair(stream)
        stream.publish(stream.delete(first))
        stream.run()  # what it asks of the other is lost
        counts = await settle(stream, stream.delete(first), warehouse=known)
        assert counts[-1] == 1


class TestReconciliation:
    async def test_a_duplicate_of_nothing_is_stale_and_a_settled_pair_is_not(self, stream: Any) -> None:
        first, second = copy(stream, "blog"), copy(stream, "medium", TEXT + " Also on Medium.")
        known = {first.document_id: first, second.document_id: second}
        await settle(stream, *map(stream.upsert, known.values()), warehouse=known)

        warehouse: Any = SimpleNamespace(documents=Stored(known))
        assert not await compare(warehouse, stream.client)
        await stream.client.delete(DOCUMENTS, [first.document_id])
        points = await stream.points()
        await stream.client.delete(CHUNKS, list(points))
        difference = await compare(warehouse, stream.client)
        assert [entry.document_id for entry in difference.missing] == [first.document_id]
        assert [entry.stored.document_id for entry in difference.stale] == [second.document_id]
