"""Text Generation Inference as its own routes look, with the faults it is told to have, over real HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route


class TgiUpstream:
    """`script` names the behaviour, as in `Upstream`; a token is a word."""

    def __init__(self) -> None:
        self.script = "answer"
        self.words = ["Tides", " turn", " [1", "]", " and [7", "] lamps", " glow [2]."]
        self.requests: list[dict[str, Any]] = []
        self.left = asyncio.Event()
        self.info = {"model_id": "small", "max_input_tokens": 4000, "max_total_tokens": 4096}
        self.app = Starlette(
            routes=[
                Route("/info", self._info),
                Route("/tokenize", self._tokenize, methods=["POST"]),
                Route("/chat_tokenize", self._chat_tokenize, methods=["POST"]),
                Route("/generate_stream", self._generate, methods=["POST"]),
            ]
        )

    async def _info(self, _: Request) -> Response:
        return JSONResponse(self.info)

    async def _tokenize(self, request: Request) -> Response:
        return JSONResponse(_tokens((await request.json())["inputs"]))

    async def _chat_tokenize(self, request: Request) -> Response:
        messages = (await request.json())["messages"]
        text = "".join(f"<|{message['role']}|>{message['content']}" for message in messages)
        return JSONResponse({"tokenize_response": _tokens(text), "templated_text": text})

    async def _generate(self, request: Request) -> Response:
        self.requests.append(await request.json())
        if self.script == "status":
            return JSONResponse({"error": "overloaded", "error_type": "overloaded"}, 503)
        if self.script == "silent":
            while not await request.is_disconnected():
                await asyncio.sleep(0.05)
            self.left.set()
        return StreamingResponse(self._stream(), media_type="text/event-stream")

    async def _stream(self) -> AsyncIterator[str]:
        stop = self.requests[-1]["parameters"].get("stop", [])
        words = self.words if self.script != "loop" else [" over and over"] * 10_000
        said = ""
        for position, word in enumerate(words):
            if position == 3 and self.script == "cut":
                return
            if position == 3 and self.script == "broken":
                raise ConnectionResetError
            if position == 3 and self.script == "garbage":
                yield "data:{not json\n\n"
            if position == 3 and self.script == "error":
                yield 'data:{"error":"CUDA went away","error_type":"generation"}\n\n'
            if position == 3 and self.script == "pause":
                try:
                    await asyncio.sleep(60)
                finally:
                    self.left.set()
            said += word
            if self.script != "empty":
                yield _event(word)
            if any(sequence in said for sequence in stop):
                yield _event("", finish="stop_sequence", count=position + 1)
                return
            if self.script == "loop":
                await asyncio.sleep(0)
        yield _event("</s>", special=True, finish="eos_token", count=len(words))


def _tokens(text: str) -> list[dict[str, Any]]:
    return [{"id": n, "text": word, "start": 0, "stop": 0} for n, word in enumerate(text.split())]


def _event(text: str, *, special: bool = False, finish: str | None = None, count: int = 0) -> str:
    details = {"finish_reason": finish, "generated_tokens": count, "seed": 1} if finish else None
    token = {"id": 1, "text": text, "logprob": -0.1, "special": special}
    return f"data:{json.dumps({'index': 1, 'token': token, 'generated_text': None, 'details': details})}\n\n"
