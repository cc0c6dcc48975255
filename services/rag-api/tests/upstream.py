"""A language model's server that does what it is told, good or bad, over real HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route


class Upstream:
    """`script` names the behaviour; `requests` keeps what came; `left` tells that the caller went away."""

    def __init__(self) -> None:
        self.script = "answer"
        self.words = ["Tides", " turn", " [1", "]", " and [7", "] lamps", " glow [2]."]
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.left = asyncio.Event()
        self.app = Starlette(routes=[Route("/v1/chat/completions", self._complete, methods=["POST"])])

    async def _complete(self, request: Request) -> Response:
        self.requests.append(await request.json())
        self.headers.append(dict(request.headers))
        if self.script == "status":
            return JSONResponse({"error": {"message": "overloaded"}}, 500)
        if self.script == "silent":
            while not await request.is_disconnected():
                await asyncio.sleep(0.05)
            self.left.set()
        return StreamingResponse(self._stream(), media_type="text/event-stream")

    async def _stream(self) -> AsyncIterator[str]:
        words = self.words if self.script != "loop" else [" over and over"] * 10_000
        for position, word in enumerate(words):
            if position == 3 and self.script == "cut":
                return
            if position == 3 and self.script == "broken":
                raise ConnectionResetError
            if position == 3 and self.script == "garbage":
                yield "data: {not json\n\n"
            if position == 3 and self.script == "pause":
                try:
                    await asyncio.sleep(60)
                finally:
                    self.left.set()
            if self.script != "empty":
                yield _event([{"index": 0, "delta": {"content": word}}])
            if self.script == "loop":
                await asyncio.sleep(0)
        yield _event([{"index": 0, "delta": {}, "finish_reason": "stop"}])
        yield _event([], usage={"prompt_tokens": 100, "completion_tokens": 7, "total_tokens": 107})
        yield "data: [DONE]\n\n"


def _event(choices: list[dict[str, Any]], usage: dict[str, int] | None = None) -> str:
    chunk = {
        "id": "up-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "small",
        "choices": choices,
        "usage": usage,
    }
    return f"data: {json.dumps(chunk)}\n\n"
