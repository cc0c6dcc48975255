"""The question's words beside the passages' words."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from qdrant_client import AsyncQdrantClient

from twin_common.embedding.words import pack_words
from twin_common.vector_index import CHUNKS
from twin_rag_api.retrieval.encoding import Encoding
from twin_rag_api.retrieval.hybrid_search import HybridSearch
from twin_rag_api.retrieval.late_interaction import compared_by_words
from twin_rag_api.retrieval.passages import Passage
from twin_rag_api.retrieval.service import Retrieval

from ..conftest import ADA, EMBEDDER, SPARSE, chunk, put_chunks
from .test_hybrid_search import scope_of

TEXTS = ("harbour walls and more walls of stone", "the tide turns at noon", "tide tables of the harbour")


def found(*texts: str) -> list[Passage]:
    chunks = [chunk(text, path=f"/{position}") for position, text in enumerate(texts)]
    words = EMBEDDER.embed_with_words(texts).words
    return [
        Passage(one, 0.5 - 0.1 * rank, one.text, pack_words(own))
        for rank, (one, own) in enumerate(zip(chunks, words, strict=True))
    ]


def compared(question: str, passages: Sequence[Passage]) -> list[Passage]:
    return compared_by_words(EMBEDDER.embed_with_words([question]).words[0], passages)


def texts(passages: Sequence[Passage]) -> list[str]:
    return [passage.text for passage in passages]


class TestOrder:
    def test_it_is_that_of_the_words_that_are_met(self) -> None:
        ranked = compared("harbour tide tables", found(*TEXTS))
        assert texts(ranked) == [TEXTS[2], TEXTS[0], TEXTS[1]]

    def test_a_word_that_fewer_have_counts_for_more(self) -> None:
        ranked = compared("tide anchor", found("tide", "tide rope", "tide sail", "anchor rope"))
        assert texts(ranked)[0] == "anchor rope"

    def test_the_best_has_the_score_that_the_best_had(self) -> None:
        ranked = compared("harbour tide tables", found(*TEXTS))
        assert ranked[0].score == pytest.approx(0.5)
        assert [passage.score for passage in ranked] == sorted((p.score for p in ranked), reverse=True)

    def test_of_nothing_there_is_nothing(self) -> None:
        assert compared("tide", []) == []

    def test_where_words_are_lacking_all_stays_as_it_was(self) -> None:
        first, *others = found(*TEXTS)
        passages = [replace(first, words=""), *others]
        assert compared("harbour tide tables", passages) == passages


class TestSearch:
    async def test_passages_are_compared_by_what_the_index_keeps(self, any_index: AsyncQdrantClient) -> None:
        await put_chunks(any_index, [chunk(text, path=f"/{n}") for n, text in enumerate(TEXTS)])
        encoding = Encoding(lambda _: (EMBEDDER, SPARSE))
        await encoding.load()
        question = "harbour tide tables"
        results = await Retrieval(encoding, HybridSearch(any_index)).search(await scope_of(ADA), question, 3)
        assert texts(results)[0] == TEXTS[2]
        encoding.close()

    async def test_an_index_without_words_is_searched_as_before(self, any_index: AsyncQdrantClient) -> None:
        await put_chunks(any_index, [chunk(text, path=f"/{n}") for n, text in enumerate(TEXTS)])
        points, _ = await any_index.scroll(CHUNKS)
        await any_index.delete_payload(CHUNKS, ["words"], points=[point.id for point in points], wait=True)
        encoding = Encoding(lambda _: (EMBEDDER, SPARSE))
        await encoding.load()
        question, scope, index = "harbour tide tables", await scope_of(ADA), HybridSearch(any_index)
        by_words = await Retrieval(encoding, index).search(scope, question, 3)
        without = await Retrieval(encoding, index, by_words=False).search(scope, question, 3)
        assert by_words == without
        assert len(without) == 3
        encoding.close()
