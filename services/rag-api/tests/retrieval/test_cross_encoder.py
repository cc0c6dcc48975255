"""The order of passages by a server, and that it harms nothing."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from twin_rag_api.retrieval.cross_encoder import CrossEncoder
from twin_rag_api.retrieval.passages import Passage
from twin_rag_api.settings import ApiSettings

from ..conftest import chunk, serving
from ..questions_upstream import RerankServer

TEXTS = ("harbour walls of stone", "the tide turns at noon", "tide tables of the harbour")


@pytest.fixture
async def server() -> AsyncIterator[tuple[RerankServer, str]]:
    started = RerankServer()
    async with serving(started.app) as url:
        yield started, url


def connect(url: str, seconds: float = 30, passages: int = 30) -> CrossEncoder:
    settings = ApiSettings(
        cross_encoder_url=url, cross_encoder_timeout_seconds=seconds, cross_encoder_passages=passages
    )
    connected = CrossEncoder.connect(settings)
    assert connected is not None
    return connected


def found(*texts: str) -> list[Passage]:
    chunks = [chunk(text, path=f"/{position}") for position, text in enumerate(texts)]
    return [Passage(one, 0.5 - 0.001 * rank, one.text) for rank, one in enumerate(chunks)]


class TestOrder:
    async def test_it_is_the_servers(self, server: tuple[RerankServer, str]) -> None:
        ranked = await connect(server[1]).rerank("harbour tide tables", found(*TEXTS))
        assert [passage.text for passage in ranked] == [TEXTS[2], TEXTS[0], TEXTS[1]]
        assert server[0].requests == [
            {"query": "harbour tide tables", "texts": list(TEXTS), "truncate": True}
        ]

    async def test_the_best_keeps_the_score_of_the_best(self, server: tuple[RerankServer, str]) -> None:
        ranked = await connect(server[1]).rerank("harbour tide tables", found(*TEXTS))
        scores = [passage.score for passage in ranked]
        assert scores[0] == pytest.approx(0.5)
        assert scores == sorted(scores, reverse=True)

    async def test_many_passages_go_in_several_requests(self, server: tuple[RerankServer, str]) -> None:
        texts = [f"text {number}" for number in range(69)] + ["the tide"]
        ranked = await connect(server[1], passages=70).rerank("the tide", found(*texts))
        assert sorted(len(request["texts"]) for request in server[0].requests) == [6, 32, 32]
        assert ranked[0].text == "the tide"
        assert len(ranked) == 70

    async def test_of_nothing_there_is_nothing(self, server: tuple[RerankServer, str]) -> None:
        assert await connect(server[1]).rerank("tide", []) == []
        assert server[0].requests == []


class TestFailures:
    @pytest.mark.parametrize("script", ["hang", "status", "no_json", "missing", "twice", "infinite"])
    async def test_the_order_stays_as_it_was(self, server: tuple[RerankServer, str], script: str) -> None:
        server[0].script = script
        passages = found(*TEXTS)
        encoder = connect(server[1], seconds=0.3 if script == "hang" else 30)
        assert await asyncio.wait_for(encoder.rerank("harbour tide", passages), 60) == passages

    async def test_a_server_that_is_away_is_done_without(self) -> None:
        passages = found(*TEXTS)
        assert await connect("http://127.0.0.1:1").rerank("tide", passages) == passages

    async def test_one_that_keeps_failing_is_left_alone(self, server: tuple[RerankServer, str]) -> None:
        server[0].script = "status"
        encoder = connect(server[1])
        for _ in range(5):
            await encoder.rerank("tide", found(*TEXTS))
        assert len(server[0].requests) == 3
