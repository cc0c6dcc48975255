"""Copies are replaced one by one, under load, behind a proxy that asks who is ready: nobody notices."""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field

import httpx
import pytest
from qdrant_client import AsyncQdrantClient

from twin_common.warehouse import Warehouse
from twin_local.ports import LOOPBACK, free_port
from twin_rag_api.auth import ApiKeys

from .conftest import ADA, chunk, put_chunks

pytestmark = pytest.mark.integration

_PATIENCE_SECONDS = 180
_DRAIN_SECONDS = 5
_WORKERS = 3
_BEFORE_AND_AFTER = 20
"""Requests that are waited for before, between and after the replacements."""


@dataclass
class Copy:
    """One process of the service."""

    process: Process
    port: int
    asked_at: float = -60.0
    ready: bool = False

    async def is_ready(self) -> bool:
        """As a proxy knows it: from an answer that is at most a second old."""
        if time.monotonic() - self.asked_at > 1:
            async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
                try:
                    answer = await http.get(f"http://{LOOPBACK}:{self.port}/readyz")
                    self.ready = answer.is_success
                except httpx.HTTPError:
                    self.ready = False
            self.asked_at = time.monotonic()
        return self.ready


@dataclass
class Balancer:
    """A proxy for connections: each goes to the next copy that is ready; nothing is repeated or hidden."""

    copies: list[Copy] = field(default_factory=list)
    turns: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        copy = await self._next()
        with suppress(OSError):
            ours, theirs = await asyncio.open_connection(LOOPBACK, copy.port)
            await asyncio.gather(_pass_on(reader, theirs), _pass_on(ours, writer))
        writer.close()

    async def _next(self) -> Copy:
        while True:
            ready = [copy for copy in list(self.copies) if await copy.is_ready()]
            if ready:
                self.turns += 1
                return ready[self.turns % len(ready)]
            await asyncio.sleep(0.1)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
    with suppress(OSError):
        writer.write_eof()


@dataclass
class Load:
    """People who search and ask, one request after the other; each has a connection of its own."""

    url: str
    key: str
    served: int = 0
    failures: list[str] = field(default_factory=list)

    async def go_on(self, number: int) -> None:
        while True:
            try:
                async with httpx.AsyncClient(trust_env=False, timeout=_PATIENCE_SECONDS) as http:
                    await (self._search(http) if number % 2 else self._ask(http))
            except (httpx.HTTPError, AssertionError) as error:
                self.failures.append(repr(error))
            self.served += 1

    async def reach(self, more: int) -> None:
        """Wait until so many more have been served."""
        target = self.served + more
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while self.served < target:
                await asyncio.sleep(0.05)

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    async def _search(self, http: httpx.AsyncClient) -> None:
        body = {"query": "harbour", "limit": 3}
        answer = await http.post(f"{self.url}/v1/search", json=body, headers=self._headers)
        assert answer.status_code == 200, answer.text

    async def _ask(self, http: httpx.AsyncClient) -> None:
        question = [{"role": "user", "content": "When does the harbour close?"}]
        body = {"model": "twin", "messages": question, "stream": True}
        async with http.stream(
            "POST", f"{self.url}/v1/chat/completions", json=body, headers=self._headers
        ) as answer:
            lines = [line async for line in answer.aiter_lines() if line]
        assert answer.status_code == 200, lines
        assert lines[-1] == "data: [DONE]", lines


@pytest.fixture
async def environment(
    warehouse: Warehouse, mongodb_url: str, index: AsyncQdrantClient, qdrant_url: str
) -> dict[str, str]:
    """What the copies share."""
    await put_chunks(index, [chunk("The harbour closes when ice is reported.")])
    return {
        "MONGODB_URL": mongodb_url,
        "MONGODB_DATABASE": warehouse.database.name,
        "QDRANT_URL": qdrant_url,
        "KAFKA_BOOTSTRAP_SERVERS": f"{LOOPBACK}:1",
        "EMBEDDING_BACKEND": "hashing",
        "RAG_API_REQUESTS_PER_MINUTE": "100000",
        "RAG_API_DRAIN_SECONDS": str(_DRAIN_SECONDS),
        "RAG_API_FINISH_SECONDS": "60",
    }


@asynccontextmanager
async def _started(environment: dict[str, str]) -> AsyncIterator[Copy]:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "twin_rag_api",
        env=os.environ | environment | {"RAG_API_HTTP_PORT": str(port)},
        stdout=DEVNULL,
        stderr=DEVNULL,
    )
    copy = Copy(process, port)
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not await copy.is_ready():
                await asyncio.sleep(0.1)
        yield copy
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_no_request_fails_while_every_copy_is_replaced(
    environment: dict[str, str], warehouse: Warehouse
) -> None:
    key = await ApiKeys(warehouse.database).create(ADA, "test")
    balancer = Balancer()
    async with AsyncExitStack() as stack:
        for _ in range(2):
            balancer.copies.append(await stack.enter_async_context(_started(environment)))
        proxy = await asyncio.start_server(balancer.serve, LOOPBACK, 0)
        stack.push_async_callback(proxy.wait_closed)
        stack.callback(proxy.close)
        load = Load(f"http://{LOOPBACK}:{proxy.sockets[0].getsockname()[1]}", key)
        people = [asyncio.create_task(load.go_on(number)) for number in range(_WORKERS)]
        await load.reach(_BEFORE_AND_AFTER)
        for old in list(balancer.copies):
            balancer.copies.append(await stack.enter_async_context(_started(environment)))
            old.process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(_PATIENCE_SECONDS):
                assert await old.process.wait() == 0
            await load.reach(_BEFORE_AND_AFTER)
            balancer.copies.remove(old)
        for person in people:
            person.cancel()
        await asyncio.gather(*people, return_exceptions=True)
        assert load.served >= 3 * _BEFORE_AND_AFTER
        assert load.failures == []


async def test_a_copy_that_ends_says_so_answers_on_and_closes_its_connections(
    environment: dict[str, str],
) -> None:
    async with (
        _started(environment | {"RAG_API_DRAIN_SECONDS": "600"}) as copy,
        httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{copy.port}", trust_env=False, timeout=60) as http,
    ):
        copy.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while (answer := await http.get("/readyz")).status_code != 503:
                await asyncio.sleep(0.05)
            assert "about to end" in answer.text
            while (answer := await http.get("/livez")).headers.get("connection") != "close":
                assert answer.status_code == 200
                await asyncio.sleep(0.1)
        # A second signal is somebody who does not want to wait.
        copy.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(_PATIENCE_SECONDS):
            assert await copy.process.wait() == 0
