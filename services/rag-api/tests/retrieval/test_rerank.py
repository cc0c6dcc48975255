"""A second look at what was found."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from twin_common.testing.embedding import HashingEmbedder
from twin_rag_api.retrieval.encoding import Encoding
from twin_rag_api.retrieval.passages import Passage
from twin_rag_api.retrieval.rerank import LateInteraction, RerankPolicy

from ..conftest import SPARSE, chunk

PATIENT = RerankPolicy(passages=10, seconds=60)
TEXTS = ("harbour walls and more walls of stone", "the tide turns at noon", "tide tables of the harbour")


class Counting(HashingEmbedder):
    """Counts the texts whose words it was asked for, and can be held up."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.may_go_on = True

    def embed_words(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        while not self.may_go_on:
            pass
        self.texts += texts
        return super().embed_words(texts)


@pytest.fixture
def encoder() -> Counting:
    return Counting()


@pytest.fixture
async def encoding(encoder: Counting) -> AsyncIterator[Encoding]:
    encoding = Encoding(lambda _: (encoder, SPARSE))
    await encoding.load()
    yield encoding
    encoder.may_go_on = True
    encoding.close()


def found(*texts: str) -> list[Passage]:
    chunks = [chunk(text, path=f"/{position}") for position, text in enumerate(texts)]
    return [Passage(one, 0.5 - 0.1 * rank, one.text) for rank, one in enumerate(chunks)]


def texts(passages: Sequence[Passage]) -> list[str]:
    return [passage.text for passage in passages]


class TestOrder:
    async def test_it_is_that_of_the_shares_of_words_that_are_met(self, encoding: Encoding) -> None:
        ranked = await LateInteraction(encoding, PATIENT).rerank("harbour tide tables", found(*TEXTS))
        assert texts(ranked) == [TEXTS[2], TEXTS[0], TEXTS[1]]
        assert ranked[0].score == pytest.approx(0.5)
        assert ranked[0].score - ranked[1].score == pytest.approx(2 / 3)

    async def test_what_lies_beyond_the_number_is_left_out(self, encoding: Encoding) -> None:
        policy = RerankPolicy(passages=2, seconds=60)
        ranked = await LateInteraction(encoding, policy).rerank("harbour tide tables", found(*TEXTS))
        assert texts(ranked) == [TEXTS[0], TEXTS[1]]

    async def test_of_nothing_there_is_nothing(self, encoding: Encoding) -> None:
        assert await LateInteraction(encoding, PATIENT).rerank("tide", []) == []


class TestCost:
    async def test_a_text_is_encoded_once(self, encoding: Encoding, encoder: Counting) -> None:
        reranker = LateInteraction(encoding, PATIENT)
        for _ in range(3):
            await reranker.rerank("tide", found(*TEXTS))
        assert sorted(encoder.texts) == sorted([*TEXTS, "tide", "tide", "tide"])

    async def test_what_does_not_fit_into_memory_is_encoded_again(
        self, encoding: Encoding, encoder: Counting
    ) -> None:
        reranker = LateInteraction(encoding, RerankPolicy(passages=1, seconds=60, kept_texts=1))
        for text in (TEXTS[0], TEXTS[1], TEXTS[0]):
            await reranker.rerank("tide", found(text))
        assert encoder.texts.count(TEXTS[0]) == 2

    async def test_when_time_runs_out_the_search_goes_on_as_it_was(
        self, encoding: Encoding, encoder: Counting
    ) -> None:
        encoder.may_go_on = False
        passages = found(*TEXTS)
        reranker = LateInteraction(encoding, RerankPolicy(passages=10, seconds=0.05))
        assert await asyncio.wait_for(reranker.rerank("tide", passages), timeout=60) == passages
