"""What the API adds to what it waits for: to the encoder in a search, to the language model in an answer.

An engine of known speed stands in for the model. The same streams are opened to it directly and through the
API, alone and many at once; the difference is the API's.
"""

import asyncio
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
from corpus import AUTHOR, REPOSITORY, Corpus, corpus_platform, percentile
from engine import fake_engine, wait_for_port
from results import write_result

from twin_local.connection import Connection
from twin_local.ports import LOOPBACK, free_port

_ROUNDS = 3
_CROWDS = (1, 8, 32, 64)
_STREAMS_A_CROWD = 64
_STALL_SECONDS = 1.0
"""A stream that says nothing for so long between two words has stalled; the engine's beat is 20 ms."""
_BLOCKED_SECONDS = "0.05"


@dataclass(frozen=True)
class Stream:
    """One streamed answer, in seconds."""

    first_word: float
    whole: float
    longest_pause: float


async def main() -> None:
    """Measure, and write the result."""
    questions = _questions()
    async with corpus_platform() as corpus:
        connection = corpus.connection
        figures: dict[str, float] = {"documents": corpus.documents, "chunks": await _chunks(corpus)}
        async with _client(connection.api_url, connection) as client:
            figures |= await _searches(client, questions)
            await _open_stream(client, questions[0])
            quoted = [await _open_stream(client, question) for question in questions[::5]]
            figures["first_token_p50_ms"] = _ms([stream.first_word for stream in quoted], 0.5)
            figures["first_token_p95_ms"] = _ms([stream.first_word for stream in quoted], 0.95)
        with fake_engine() as engine_url, _api(connection, engine_url) as api_url:
            async with _client(engine_url, connection) as bare, _client(api_url, connection) as api:
                await _until_ready(api)
                await _open_stream(api, questions[0])
                before = await _loop_delays(api)
                for crowd in _CROWDS:
                    figures |= await _overhead(bare, api, crowd, questions)
                figures |= _blocked(before, await _loop_delays(api))
    write_result("api", figures)


def _questions() -> list[str]:
    lines = (REPOSITORY / "bench/questions_articles.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    return [row["question"] for row in rows if row["evidence"]]


async def _chunks(corpus: Corpus) -> int:
    from twin_common.vector_index import CHUNKS, connect

    index = connect(corpus.connection.vector_index)
    count = (await index.count(CHUNKS)).count
    await index.close()
    return count


def _client(base_url: str, connection: Connection) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=base_url.removesuffix("/v1"),
        headers={"Authorization": f"Bearer {connection.key(AUTHOR)}"},
        timeout=120,
        limits=httpx.Limits(max_connections=None),
        trust_env=False,
    )


# Search.


async def _searches(client: httpx.AsyncClient, questions: Sequence[str]) -> dict[str, float]:
    """How long a search takes, and how long without the encoder's part, by the service's own clock."""
    whole: list[float] = []
    steps: dict[str, list[float]] = {}
    for question in [questions[0], *list(questions) * _ROUNDS]:
        began = time.perf_counter()
        answer = await client.post("/v1/search", json={"query": question, "limit": 10})
        whole.append(time.perf_counter() - began)
        answer.raise_for_status()
        for name, seconds in _server_timing(answer.headers["server-timing"]).items():
            steps.setdefault(name, []).append(seconds)
    rest = [total - encoding for total, encoding in zip(whole, steps["encode"], strict=True)]
    figures = {"search_p50_ms": _ms(whole, 0.5), "search_p95_ms": _ms(whole, 0.95)}
    figures["search_without_encoding_p50_ms"] = _ms(rest, 0.5)
    figures["search_without_encoding_p95_ms"] = _ms(rest, 0.95)
    return figures | {f"search_{name}_p95_ms": _ms(values, 0.95) for name, values in steps.items()}


def _server_timing(header: str) -> dict[str, float]:
    """Seconds by step, out of a header such as `encode;dur=3.1, search;dur=5.2`."""
    entries = (entry.split(";dur=") for entry in header.split(", "))
    return {name: float(milliseconds) / 1000 for name, milliseconds in entries}


# Answers.


async def _overhead(
    bare: httpx.AsyncClient, api: httpx.AsyncClient, crowd: int, questions: Sequence[str]
) -> dict[str, float]:
    """What the API adds when so many streams run at once."""
    rounds = max(1, _STREAMS_A_CROWD // crowd)
    asked = itertools.cycle(questions)
    direct, through = [
        [
            stream
            for _ in range(rounds)
            for stream in await asyncio.gather(*(_open_stream(client, next(asked)) for _ in range(crowd)))
        ]
        for client in (bare, api)
    ]
    figures: dict[str, float] = {}
    for name, share in (("p50", 0.5), ("p95", 0.95)):
        for part in ("first_word", "whole"):
            own, base = ([getattr(stream, part) for stream in streams] for streams in (through, direct))
            figures[f"{part}_overhead_{crowd}_streams_{name}_ms"] = _ms(own, share) - _ms(base, share)
    figures[f"longest_pause_{crowd}_streams_ms"] = 1000 * max(stream.longest_pause for stream in through)
    figures[f"stalled_of_{crowd}_streams"] = sum(stream.longest_pause > _STALL_SECONDS for stream in through)
    figures["concurrent_streams"] = crowd
    return figures


async def _open_stream(client: httpx.AsyncClient, question: str) -> Stream:
    """Read one answer to its end.

    Raises:
        RuntimeError: it was no whole answer.
    """
    began = time.perf_counter()
    arrivals: list[float] = []
    done = False
    body = {"model": "twin", "stream": True, "messages": [{"role": "user", "content": question}]}
    async with client.stream("POST", "/v1/chat/completions", json=body) as answer:
        answer.raise_for_status()
        async for line in answer.aiter_lines():
            if line.startswith("data: {") and _has_text(json.loads(line[6:])):
                arrivals.append(time.perf_counter())
            done = done or line == "data: [DONE]"
    if not arrivals or not done:
        raise RuntimeError(f"no whole answer to {question!r}")
    pauses = [later - earlier for earlier, later in itertools.pairwise(arrivals)]
    return Stream(arrivals[0] - began, time.perf_counter() - began, max(pauses, default=0.0))


def _has_text(event: dict[str, list[dict[str, dict[str, str]]]]) -> bool:
    return any(choice["delta"].get("content") for choice in event.get("choices", ()))


@contextmanager
def _api(connection: Connection, engine_url: str) -> Iterator[str]:
    """A second copy of the service on the same platform, with the engine as its language model."""
    port = free_port()
    settings = {
        "RAG_API_HTTP_PORT": str(port),
        "RAG_API_LLM_URL": engine_url,
        "RAG_API_LLM_MODEL": "fake",
        "RAG_API_REQUESTS_PER_MINUTE": "1000000",
    }
    environment = os.environ | connection.environment | settings
    process = subprocess.Popen(
        [sys.executable, "-m", "twin_rag_api"], env=environment, stdout=subprocess.DEVNULL
    )
    try:
        wait_for_port(process, port)
        yield f"http://{LOOPBACK}:{port}"
    finally:
        process.terminate()
        process.wait()


async def _until_ready(client: httpx.AsyncClient) -> None:
    while (await client.get("/readyz")).status_code != httpx.codes.OK:
        await asyncio.sleep(0.1)


# The event loop.


async def _loop_delays(client: httpx.AsyncClient) -> dict[str, float]:
    """The series of the service's histogram of loop delays, by upper bound, and their sum."""
    lines = (await client.get("/metrics")).text.splitlines()
    prefix = 'twin_event_loop_delay_seconds_bucket{le="'
    bounds = (line.removeprefix(prefix).split('"} ') for line in lines if line.startswith(prefix))
    return {bound: float(count) for bound, count in bounds}


def _blocked(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """How many looks at the loop there were, and how many found it late by more than 50 ms."""
    looks = after["+Inf"] - before["+Inf"]
    on_time = after[_BLOCKED_SECONDS] - before[_BLOCKED_SECONDS]
    return {"loop_looks": looks, "loop_late_above_50_ms": looks - on_time}


def _ms(seconds: list[float], share: float) -> float:
    return 1000 * percentile(seconds, share)


if __name__ == "__main__":
    asyncio.run(main())
