"""A vector store that stands before the real one and, while a bug is armed, passes on something else."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.chaos.seeded_bugs import SeededBug, Write
from twin_common.vector_index import DOCUMENTS
from twin_local.ports import LOOPBACK, free_port

_MADE_UP = {"result": {"operation_id": None, "status": "completed"}, "status": "ok", "time": 0.0}


class LyingStore:
    """Forwards everything; see `armed`."""

    def __init__(self, url: str) -> None:
        self._real = httpx.AsyncClient(base_url=url, timeout=30, trust_env=False)
        self._bug: SeededBug | None = None
        self._bystander = ""
        self._awaited: str | None = None
        self._seen = asyncio.Event()

    @asynccontextmanager
    async def armed(self, bug: SeededBug, document_id: str, bystander: str) -> AsyncIterator[None]:
        """Corrupt writes until the stream has written or deleted the document's head, its last act."""
        self._bug, self._bystander, self._awaited = bug, bystander, document_id
        self._seen.clear()
        yield
        async with asyncio.timeout(120):
            await self._seen.wait()
        self._bug = self._awaited = None

    async def answer(self, request: Request) -> Response:
        raw = await request.body()
        write = _write(request, raw)
        if write is not None and self._bug is not None:
            body = self._bug.corrupt(write, self._bystander)
            if write.collection == DOCUMENTS and self._awaited is not None and self._awaited.encode() in raw:
                self._seen.set()
            if body is None:
                return Response(json.dumps(_MADE_UP), media_type="application/json")
            raw = json.dumps(body).encode()
        real = await self._real.request(
            request.method,
            request.url.path,
            params=dict(request.query_params),
            content=raw,
            headers={"Content-Type": "application/json"},
        )
        return Response(real.content, real.status_code, media_type=real.headers.get("Content-Type"))

    async def close(self) -> None:
        await self._real.aclose()


def _write(request: Request, raw: bytes) -> Write | None:
    """The write in a request; None when it is another request."""
    path = request.url.path
    name = path.split("/")[2] if path.startswith("/collections/") else ""
    collection = name.split("__")[
        0
    ]  # the stream names the build that it writes: chunks__all_minilm_l6_v2__p3
    if request.method == "PUT" and path.endswith("/points"):
        return Write(collection, deletes=False, body=json.loads(raw))
    if request.method == "POST" and path.endswith("/points/delete"):
        return Write(collection, deletes=True, body=json.loads(raw))
    return None


@asynccontextmanager
async def lying_store(url: str) -> AsyncIterator[tuple[LyingStore, str]]:
    """The store before the one at `url`, and its own address."""
    store, port = LyingStore(url), free_port()
    route = Route("/{path:path}", store.answer, methods=["GET", "POST", "PUT", "DELETE", "PATCH"])
    app = Starlette(routes=[route])
    server = uvicorn.Server(uvicorn.Config(app, host=LOOPBACK, port=port, log_level="warning"))
    serving = asyncio.create_task(server.serve())
    try:
        while not server.started:
            if serving.done():
                raise RuntimeError(f"nothing can listen on port {port}") from serving.exception()
            await asyncio.sleep(0.01)
        yield store, f"http://{LOOPBACK}:{port}"
    finally:
        server.should_exit = True
        await serving
        await store.close()
