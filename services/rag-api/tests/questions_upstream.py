"""Servers of models that help a search, good or bad, over real HTTP."""

import asyncio
import json
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


class QuestionServer:
    """Reads questions as a chat model does; `answers` by a word of the task's instructions."""

    def __init__(self) -> None:
        self.script = "answer"
        self.filters: Any = {}
        self.variants = "harbour tide tables"
        self.requests: list[dict[str, Any]] = []
        self.together = 0
        self._under_way = 0
        self.left = asyncio.Event()
        self.app = Starlette(routes=[Route("/v1/chat/completions", self._complete, methods=["POST"])])

    async def _complete(self, request: Request) -> Response:
        body = await request.json()
        self.requests.append(body)
        self._under_way += 1
        self.together = max(self.together, self._under_way)
        try:
            if self.script == "hang":
                while not await request.is_disconnected():
                    await asyncio.sleep(0.02)
                self.left.set()
            await asyncio.sleep(0.05)
        finally:
            self._under_way -= 1
        if self.script == "status":
            return JSONResponse({"error": {"message": "overloaded"}}, 503)
        if self.script == "no_json":
            return Response("<html>gateway</html>", media_type="text/html")
        if self.script == "no_choices":
            return JSONResponse({"id": "x", "object": "chat.completion", "choices": []})
        wants_filters = "JSON" in body["messages"][0]["content"]
        content = json.dumps(self.filters) if wants_filters else self.variants
        return JSONResponse(
            {
                "id": "up-1",
                "object": "chat.completion",
                "created": 1,
                "model": "small",
                "choices": [
                    {
                        "index": 0,
                        "finish_reason": "stop",
                        "message": {"role": "assistant", "content": content},
                    }
                ],
                "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
            }
        )


class RerankServer:
    """Text Embeddings Inference's /rerank; scores by the number of the question's words in a text."""

    def __init__(self) -> None:
        self.script = "answer"
        self.requests: list[dict[str, Any]] = []
        self.app = Starlette(routes=[Route("/rerank", self._rerank, methods=["POST"])])

    async def _rerank(self, request: Request) -> Response:
        body = await request.json()
        self.requests.append(body)
        if self.script == "hang":
            while not await request.is_disconnected():
                await asyncio.sleep(0.02)
        if self.script == "status" or len(body["texts"]) > 32:
            error = {"error": "Model is overloaded", "error_type": "overloaded"}
            return JSONResponse(error, 429 if self.script == "status" else 413)
        if self.script == "no_json":
            return Response("no json")
        words = set(body["query"].split())
        scores = [len(words & set(text.split())) / (1 + len(words)) for text in body["texts"]]
        ranks = [{"index": index, "score": score} for index, score in enumerate(scores)]
        ranks.sort(key=lambda rank: -float(rank["score"]))
        if self.script == "missing":
            ranks = ranks[:-1]
        if self.script == "twice":
            ranks[-1] = ranks[0]
        if self.script == "infinite":
            return Response(json.dumps([rank | {"score": float("inf")} for rank in ranks]))
        return JSONResponse(ranks)
