"""What a user of the API waits for: search, the first token of an answer, and many answers at once."""

import asyncio
import json
import time

import httpx
from corpus import AUTHOR, REPOSITORY, corpus_platform, percentile
from results import write_result

_ROUNDS = 5
_STREAMS = 16


async def _search(client: httpx.AsyncClient, question: str) -> float:
    began = time.perf_counter()
    answer = await client.post("/v1/search", json={"query": question, "limit": 10})
    answer.raise_for_status()
    return time.perf_counter() - began


async def _first_token(client: httpx.AsyncClient, question: str) -> float:
    began = time.perf_counter()
    first: float | None = None
    body = {"model": "twin", "stream": True, "messages": [{"role": "user", "content": question}]}
    async with client.stream("POST", "/v1/chat/completions", json=body) as answer:
        answer.raise_for_status()
        async for line in answer.aiter_lines():
            if first is None and line.startswith("data: {") and _has_text(json.loads(line[6:])):
                first = time.perf_counter() - began
    if first is None:
        raise RuntimeError(f"no answer to {question!r}")
    return first


def _has_text(event: dict[str, list[dict[str, dict[str, str]]]]) -> bool:
    return any(choice["delta"].get("content") for choice in event["choices"])


async def main() -> None:
    """Measure, and write the result."""
    lines = (REPOSITORY / "bench/questions_articles.jsonl").read_text().splitlines()
    questions = [json.loads(line)["question"] for line in lines]
    async with corpus_platform() as corpus:
        key = corpus.connection.key(AUTHOR)
        async with httpx.AsyncClient(
            base_url=corpus.connection.api_url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=120,
            trust_env=False,
        ) as client:
            await _search(client, questions[0])
            searches = [await _search(client, question) for question in questions * _ROUNDS]
            answers = [await _first_token(client, question) for question in questions]
            began = time.perf_counter()
            crowd = [questions[number % len(questions)] for number in range(_STREAMS)]
            await asyncio.gather(*(_first_token(client, question) for question in crowd))
            crowd_seconds = time.perf_counter() - began
    figures: dict[str, float] = {"documents": corpus.documents, "concurrent_streams": _STREAMS}
    figures["concurrent_streams_seconds"] = crowd_seconds
    for name, values in (("search", searches), ("first_token", answers)):
        for share in (50, 95):
            figures[f"{name}_p{share}_ms"] = 1000 * percentile(values, share / 100)
    write_result("api", figures)


if __name__ == "__main__":
    asyncio.run(main())
