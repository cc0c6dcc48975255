"""A client of the chat API."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Self

import httpx

from twin_local.errors import PlatformError


@dataclass(frozen=True)
class Citation:
    """A numbered source of an answer."""

    number: int
    title: str
    url: str
    text: str


class ApiClient:
    """Speaks for one author."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._client = httpx.AsyncClient(
            base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=120, trust_env=False
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def search(self, query: str, limit: int) -> list[dict[str, Any]]:
        """The best passages, as `twin search --json` prints them.

        Raises:
            PlatformError: the API refuses or does not answer.
        """
        try:
            answer = await self._client.post("/v1/search", json={"query": query, "limit": limit})
        except httpx.HTTPError as error:
            raise self._away(error) from error
        _check(answer)
        fields = ("document_id", "url", "title", "text", "score")
        return [
            {"rank": rank} | {name: result[name] for name in fields}
            for rank, result in enumerate(answer.json()["results"], start=1)
        ]

    async def text(self, path: str, content_type: str) -> str:
        """What is at a path, in the form that is asked for.

        Raises:
            PlatformError: the API refuses or does not answer.
        """
        try:
            answer = await self._client.get(path, headers={"Accept": content_type})
        except httpx.HTTPError as error:
            raise self._away(error) from error
        _check(answer)
        return answer.text

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """What the API says to a request. Raises: as `text`."""
        try:
            answer = await self._client.post(path, json=body)
        except httpx.HTTPError as error:
            raise self._away(error) from error
        _check(answer)
        found: dict[str, Any] = answer.json()
        return found

    async def answer(self, question: str, model: str = "twin") -> AsyncIterator[str | list[Citation]]:
        """The answer piece by piece, and last its sources.

        Raises:
            PlatformError: the API refuses, does not answer, or breaks off.
        """
        body = {"model": model, "stream": True, "messages": [{"role": "user", "content": question}]}
        try:
            async with self._client.stream("POST", "/v1/chat/completions", json=body) as answer:
                if not answer.is_success:
                    await answer.aread()
                    _check(answer)
                async for line in answer.aiter_lines():
                    data = line.removeprefix("data:").strip()
                    if not line.startswith("data:") or data == "[DONE]":
                        continue
                    for piece in _pieces(json.loads(data)):
                        yield piece
        except httpx.HTTPError as error:
            raise self._away(error) from error

    def _away(self, error: httpx.HTTPError) -> PlatformError:
        return PlatformError(
            f"{self._url} does not answer ({type(error).__name__}): is the platform running?"
        )


def _pieces(event: dict[str, Any]) -> list[str | list[Citation]]:
    pieces: list[str | list[Citation]] = []
    for choice in event.get("choices", []):
        delta = choice["delta"]
        if delta.get("content"):
            pieces.append(delta["content"])
        if delta.get("citations"):
            pieces.append(
                [
                    Citation(entry["number"], entry["title"], entry["url"], entry["text"])
                    for entry in delta["citations"]
                ]
            )
    return pieces


def _check(answer: httpx.Response) -> None:
    if not answer.is_success:
        try:
            problem = answer.json()
            text = f"{problem.get('title')}: {problem.get('detail')}"
        except ValueError:
            text = answer.text[:300]
        raise PlatformError(f"the API answered {answer.status_code}: {text}")
