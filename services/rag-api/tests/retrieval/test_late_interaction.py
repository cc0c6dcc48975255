"""The question's words beside the passages' words."""

from collections.abc import AsyncIterator, Sequence

import pytest
from qdrant_client import AsyncQdrantClient

from twin_common.vector_index import CHUNKS, WORDS
from twin_rag_api.auth import AuthorScope
from twin_rag_api.retrieval.encoding import Encoding
from twin_rag_api.retrieval.hybrid_search import HybridSearch
from twin_rag_api.retrieval.late_interaction import LateInteraction
from twin_rag_api.retrieval.passages import Passage
from twin_rag_api.retrieval.service import Retrieval

from ..conftest import ADA, BOB, EMBEDDER, SPARSE, chunk, put_chunks
from .test_hybrid_search import scope_of

TEXTS = ("harbour walls and more walls of stone", "the tide turns at noon", "tide tables of the harbour")


class CountingSearch(HybridSearch):
    """Notes how many chunks' words were read."""

    def __init__(self, client: AsyncQdrantClient) -> None:
        super().__init__(client)
        self.read: list[int] = []

    async def words(
        self, scope: AuthorScope, point_ids: Sequence[str], *, collection: str = CHUNKS
    ) -> dict[str, str]:
        self.read.append(len(point_ids))
        return await super().words(scope, point_ids, collection=collection)


@pytest.fixture
async def encoding() -> AsyncIterator[Encoding]:
    encoding = Encoding(lambda _: (EMBEDDER, SPARSE))
    await encoding.load()
    yield encoding
    encoding.close()


@pytest.fixture
def search(any_index: AsyncQdrantClient) -> CountingSearch:
    return CountingSearch(any_index)


async def found(index: AsyncQdrantClient, *texts: str) -> list[Passage]:
    """Indexed chunks as a search might have found them, in this order."""
    chunks = [chunk(text, path=f"/{position}") for position, text in enumerate(texts)]
    await put_chunks(index, chunks)
    return [Passage(one, 0.5 - 0.01 * rank, one.text) for rank, one in enumerate(chunks)]


def texts(passages: Sequence[Passage]) -> list[str]:
    return [passage.text for passage in passages]


class TestOrder:
    async def test_it_is_that_of_the_words_that_are_met(
        self, any_index: AsyncQdrantClient, search: CountingSearch, encoding: Encoding
    ) -> None:
        passages = await found(any_index, *TEXTS)
        question = await encoding.question("harbour tide tables")
        ranked = await LateInteraction(search).compare(await scope_of(ADA), question, passages)
        assert texts(ranked) == [TEXTS[2], TEXTS[0], TEXTS[1]]
        assert ranked[0].score == pytest.approx(0.5)
        assert [one.score for one in ranked] == sorted((one.score for one in ranked), reverse=True)

    async def test_a_word_that_fewer_have_counts_for_more(
        self, any_index: AsyncQdrantClient, search: CountingSearch, encoding: Encoding
    ) -> None:
        passages = await found(any_index, "tide", "tide rope", "tide sail", "anchor rope")
        question = await encoding.question("tide anchor")
        ranked = await LateInteraction(search).compare(await scope_of(ADA), question, passages)
        assert texts(ranked)[0] == "anchor rope"

    async def test_of_nothing_there_is_nothing(self, search: CountingSearch, encoding: Encoding) -> None:
        question = await encoding.question("tide")
        assert await LateInteraction(search).compare(await scope_of(ADA), question, []) == []


class TestReading:
    async def test_words_are_read_once(
        self, any_index: AsyncQdrantClient, search: CountingSearch, encoding: Encoding
    ) -> None:
        passages, late = await found(any_index, *TEXTS), LateInteraction(search)
        question, scope = await encoding.question("tide"), await scope_of(ADA)
        once = await late.compare(scope, question, passages)
        assert await late.compare(scope, question, passages) == once
        assert search.read == [3, 0]

    async def test_what_does_not_fit_into_memory_is_read_again(
        self, any_index: AsyncQdrantClient, search: CountingSearch, encoding: Encoding
    ) -> None:
        passages, late = await found(any_index, *TEXTS), LateInteraction(search, kept_texts=1)
        question, scope = await encoding.question("tide"), await scope_of(ADA)
        once = await late.compare(scope, question, passages)
        assert await late.compare(scope, question, passages) == once
        assert search.read == [3, 2]

    async def test_those_of_another_author_are_not_told(
        self, any_index: AsyncQdrantClient, search: CountingSearch, encoding: Encoding
    ) -> None:
        passages = await found(any_index, *TEXTS)
        question = await encoding.question("harbour tide tables")
        assert await LateInteraction(search).compare(await scope_of(BOB), question, passages) == passages


class TestSearch:
    async def test_an_index_without_words_is_searched_as_before(
        self, any_index: AsyncQdrantClient, search: CountingSearch, encoding: Encoding
    ) -> None:
        await found(any_index, *TEXTS)
        points, _ = await any_index.scroll(CHUNKS)
        await any_index.delete_payload(CHUNKS, [WORDS], points=[points[0].id], wait=True)
        question, scope = "harbour tide tables", await scope_of(ADA)
        by_words = await Retrieval(encoding, search, LateInteraction(search)).search(scope, question, 3)
        without = await Retrieval(encoding, search).search(scope, question, 3)
        assert by_words == without
        assert len(without) == 3
