"""One suite over the engines that ask a server, against servers with faults."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

import pytest

from twin_rag_api.generation.circuit_breaker import BreakerPolicy, CircuitBreaker
from twin_rag_api.generation.configured_engine import configured_engine
from twin_rag_api.generation.engines import Engine, EngineFailure, Finish, Sampling, Source, Task, Text, Usage
from twin_rag_api.generation.protection import ProtectedEngine
from twin_rag_api.generation.tgi import TgiEngine
from twin_rag_api.retrieval.encoding import Encoding
from twin_rag_api.retrieval.passages import Passage
from twin_rag_api.settings import ApiSettings

from ..conftest import chunk, serving
from ..tgi_upstream import TgiUpstream
from ..upstream import Upstream

_ALIASES = {"first_token_timeout": ("connect_timeout",), "broken_stream": ("connection",)}


def _never(_: object) -> Any:
    raise AssertionError("an engine with a server needs no encoder")


TASK = Task(
    "when do tides turn?",
    tuple(Source(n, Passage(chunk(f"text {n}"), 0.5, f"text {n}")) for n in (1, 2)),
)


@dataclass
class Served:
    """An engine, and the server behind it."""

    engine: Engine
    server: Any

    async def said(self, task: Task = TASK) -> str:
        async with aclosing(self.engine.write(task)) as pieces:
            return "".join([piece.text async for piece in pieces if isinstance(piece, Text)])

    async def failure(self, task: Task = TASK) -> str:
        with pytest.raises(EngineFailure) as caught:
            await self.said(task)
        return caught.value.reason


@pytest.fixture(params=["openai", "tgi"])
async def served(request: pytest.FixtureRequest) -> AsyncIterator[Served]:
    server = TgiUpstream() if request.param == "tgi" else Upstream()
    async with serving(server.app) as url:
        settings = ApiSettings(
            llm_protocol=request.param,
            llm_url=f"{url}/v1",
            llm_model="small",
            llm_first_token_timeout_seconds=2,
            llm_next_token_timeout_seconds=2,
        )
        engine = configured_engine(settings, Encoding(_never))
        yield Served(engine, server)
        await engine.close()


class TestAnswer:
    async def test_text_usage_and_end(self, served: Served) -> None:
        async with aclosing(served.engine.write(TASK)) as stream:
            pieces = [piece async for piece in stream]
        assert await served.said() == "Tides turn [1] and lamps glow [2]."
        [usage] = [piece for piece in pieces if isinstance(piece, Usage)]
        assert usage.output_tokens == 7
        assert usage.input_tokens > 20
        assert pieces[-1] == Finish("stop")

    async def test_the_wishes_reach_the_server(self, served: Served) -> None:
        wishes = Sampling(temperature=0.3, top_p=0.5, max_tokens=77, stop=("END",), seed=9)
        await served.said(replace(TASK, sampling=wishes))
        sent = served.server.requests[-1]
        told = sent.get("parameters", sent)
        assert told["temperature"] == 0.3
        assert told["top_p"] == 0.5
        assert told["stop"] == ["END"]
        assert told["seed"] == 9
        assert 77 in (told.get("max_tokens"), told.get("max_new_tokens"))

    async def test_a_schema_reaches_the_server(self, served: Served) -> None:
        schema = {"type": "object", "properties": {"a": {"type": "string"}}}
        form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
        await served.said(replace(TASK, sampling=Sampling(response_format=form)))
        sent = served.server.requests[-1]
        told = sent.get("response_format", {}).get("json_schema") or sent["parameters"]["grammar"]
        assert schema in told.values()

    async def test_an_answer_is_never_without_a_limit(self, served: Served) -> None:
        await served.said()
        sent = served.server.requests[-1]
        told = sent.get("parameters", sent)
        assert told.get("max_tokens", told.get("max_new_tokens")) == 1024


class TestFaults:
    @pytest.mark.parametrize(
        ("script", "reason"),
        [
            ("silent", "first_token_timeout"),
            ("pause", "next_token_timeout"),
            ("cut", "broken_stream"),
            ("broken", "broken_stream"),
            ("garbage", "broken_stream"),
            ("empty", "empty"),
            ("loop", "repetition"),
        ],
    )
    async def test_each_has_its_word(self, served: Served, script: str, reason: str) -> None:
        served.server.script = script
        # OpenAI's client tells a silent server and a torn connection by words of its own.
        assert await served.failure() in (reason, *_ALIASES.get(reason, ()))

    async def test_a_status(self, served: Served) -> None:
        served.server.script = "status"
        assert await served.failure() in ("status_500", "status_503")

    async def test_a_reader_who_leaves_stops_the_server(self, served: Served) -> None:
        served.server.script = "pause"
        async with aclosing(served.engine.write(TASK)) as pieces:
            await anext(pieces)
        await asyncio.wait_for(served.server.left.wait(), 10)


class TestBreaker:
    async def test_a_server_that_fails_is_left_alone_and_found_again(self, served: Served) -> None:
        now = 0.0
        clock: Callable[[], float] = lambda: now  # noqa: E731
        breaker = CircuitBreaker(BreakerPolicy(failures=2, pause_seconds=5), clock)
        engine = served.engine
        assert isinstance(engine, ProtectedEngine)
        served.engine = ProtectedEngine(engine._engine, breaker)
        served.server.script = "status"
        for _ in range(2):
            assert (await served.failure()).startswith("status_5")
        asked = len(served.server.requests)
        assert await served.failure() == "circuit_open"
        assert len(served.server.requests) == asked
        served.server.script = "answer"
        now = 5.0
        assert "Tides" in await served.said()
        assert "Tides" in await served.said()

    async def test_a_model_that_loops_does_not_open_it(self, served: Served) -> None:
        served.server.script = "loop"
        assert {await served.failure() for _ in range(5)} == {"repetition"}


class TestTgi:
    @pytest.fixture
    async def tgi(self) -> AsyncIterator[tuple[TgiEngine, TgiUpstream]]:
        server = TgiUpstream()
        async with serving(server.app) as url:
            engine = TgiEngine.connect(ApiSettings(llm_protocol="tgi", llm_url=url))
            yield engine, server
            await engine.close()

    async def test_it_says_how_much_it_reads_and_counts_itself(
        self, tgi: tuple[TgiEngine, TgiUpstream]
    ) -> None:
        window = await tgi[0].window()
        assert (window.input_tokens, window.total_tokens) == (4000, 4096)
        assert await window.counter.count(["a b c", ""]) == [3, 0]

    async def test_the_stop_sequence_is_not_part_of_the_answer(
        self, tgi: tuple[TgiEngine, TgiUpstream]
    ) -> None:
        served = Served(*tgi)
        assert await served.said(replace(TASK, sampling=Sampling(stop=("lamps",)))) == "Tides turn [1] and "

    async def test_an_error_in_the_stream(self, tgi: tuple[TgiEngine, TgiUpstream]) -> None:
        tgi[1].script = "error"
        assert await Served(*tgi).failure() == "broken_stream"

    async def test_a_server_that_is_away(self) -> None:
        engine = TgiEngine.connect(ApiSettings(llm_protocol="tgi", llm_url="http://127.0.0.1:1"))
        with pytest.raises(EngineFailure, match="connection"):
            await engine.window()
        await engine.close()
