"""A language model's server of known speed: a word after a fixed wait, then one at every beat."""

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from twin_local.ports import LOOPBACK, free_port

WORDS = 40
FIRST_WORD_SECONDS = 0.05
BEAT_SECONDS = 0.02


async def _complete(_: Request) -> StreamingResponse:
    return StreamingResponse(_words(), media_type="text/event-stream")


async def _words() -> AsyncIterator[str]:
    """Beats are counted from the start, so that a late one does not delay those after it."""
    loop = asyncio.get_running_loop()
    began = loop.time() + FIRST_WORD_SECONDS
    for number in range(WORDS):
        await asyncio.sleep(began + number * BEAT_SECONDS - loop.time())
        yield _event({"content": "word [1] " if number == 0 else "word "}, None)
    yield _event({}, "stop")
    yield "data: [DONE]\n\n"


def _event(delta: dict[str, str], finish_reason: str | None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    chunk = {"id": "fake", "object": "chat.completion.chunk", "created": 1, "model": "fake"}
    return f"data: {json.dumps(chunk | {'choices': [choice]})}\n\n"


@contextmanager
def fake_engine() -> Iterator[str]:
    """The base of its API, while it runs in a process of its own."""
    port = free_port()
    process = subprocess.Popen([sys.executable, __file__, str(port)])
    try:
        wait_for_port(process, port)
        yield f"http://{LOOPBACK}:{port}/v1"
    finally:
        process.terminate()
        process.wait()


def wait_for_port(process: "subprocess.Popen[bytes]", port: int) -> None:
    """Return once the process listens; exit when it has ended instead."""
    while True:
        try:
            socket.create_connection((LOOPBACK, port), timeout=1).close()
        except OSError:
            if process.poll() is not None:
                sys.exit(f"the process for port {port} did not start")
            time.sleep(0.05)
        else:
            return


if __name__ == "__main__":
    routes = [Route("/v1/chat/completions", _complete, methods=["POST"])]
    uvicorn.run(Starlette(routes=routes), host=LOOPBACK, port=int(sys.argv[1]), log_level="warning")
