"""A real child process of the vector server, and the in-memory mode of qdrant-client to hold it against."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from pydantic import BaseModel
from qdrant_client import AsyncQdrantClient, models

from twin_local.ports import free_port

Answer = TypeVar("Answer")
_SCORE_TOLERANCE = 1e-4


def connect(url: str) -> AsyncQdrantClient:
    """A client as the platform makes it."""
    return AsyncQdrantClient(url=url, prefer_grpc=False, check_compatibility=False)


@dataclass
class ServerProcess:
    """A running server and where it stores."""

    folder: Path
    url: str
    process: subprocess.Popen[str]

    def client(self) -> AsyncQdrantClient:
        return connect(self.url)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=20)


def start_process(folder: Path, port: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "twin_local.servers.vector"]
    arguments = ["--host", "127.0.0.1", "--port", str(port), "--storage-path", str(folder)]
    return subprocess.Popen([*command, *arguments], stderr=subprocess.PIPE, text=True)


def wait_until_ready(url: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"the server ended with {process.returncode}: {process.communicate()[1]}")
        try:
            if httpx.get(f"{url}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.02)
    raise AssertionError("the server is not ready after 20 s")


@contextmanager
def running_server(folder: Path) -> Iterator[ServerProcess]:
    port = free_port()
    process = start_process(folder, port)
    server = ServerProcess(folder, f"http://127.0.0.1:{port}", process)
    try:
        wait_until_ready(server.url, process)
        yield server
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def vector_server() -> Callable[[Path], AbstractContextManager[ServerProcess]]:
    """Starts a server on a folder, ready when the context is entered, gone when it is left."""
    return running_server


@pytest.fixture
def start_server() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a server that is expected to end by itself."""
    started: list[subprocess.Popen[str]] = []

    def start(folder: Path, port: int | None = None) -> subprocess.Popen[str]:
        started.append(start_process(folder, port or free_port()))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server for all tests that neither kill it nor count its collections."""
    with running_server(tmp_path_factory.mktemp("vector")) as server:
        yield server


def plain(answer: Any) -> Any:
    """An answer as JSON-like values, without what is a server's own affair."""
    if isinstance(answer, BaseModel):
        answer = answer.model_dump(mode="json")
    if isinstance(answer, dict):
        return {key: plain(value) for key, value in answer.items() if key not in ("version", "operation_id")}
    if isinstance(answer, list | tuple):
        return _ranked([plain(item) for item in answer])
    return answer


def _ranked(items: list[Any]) -> list[Any]:
    """Scored points with those of equal score in the order of their ids: Qdrant leaves that order open."""
    if not all(isinstance(item, dict) and "score" in item for item in items):
        return items
    return sorted(items, key=lambda item: (-round(item["score"], 5), str(item["id"])))


def assert_same(left: Any, right: Any, where: str = "answer") -> None:
    """Equal, with floats to 1e-4."""
    if isinstance(left, dict) and isinstance(right, dict):
        assert left.keys() == right.keys(), where
        for key in left:
            assert_same(left[key], right[key], f"{where}.{key}")
    elif isinstance(left, list) and isinstance(right, list):
        assert len(left) == len(right), f"{where}: {left} against {right}"
        for index, (one, other) in enumerate(zip(left, right, strict=True)):
            assert_same(one, other, f"{where}[{index}]")
    elif isinstance(left, float) or isinstance(right, float):
        assert left == pytest.approx(right, abs=_SCORE_TOLERANCE), where
    else:
        assert left == right, where


@dataclass
class Both:
    """qdrant-client's in-memory mode and a server, which are to answer alike."""

    reference: AsyncQdrantClient
    server: AsyncQdrantClient
    name: str

    async def same(self, ask: Callable[[AsyncQdrantClient], Awaitable[Answer]]) -> Answer:
        """Ask both, hold the answers together, and give the server's."""
        expected, answered = await ask(self.reference), await ask(self.server)
        assert_same(plain(expected), plain(answered))
        return answered


_REAL_QDRANT = os.environ.get("TEST_QDRANT_URL")


@pytest.fixture(scope="session", params=["the vector server", *(["a real Qdrant"] if _REAL_QDRANT else [])])
def url(request: pytest.FixtureRequest) -> Any:
    """What is held against the in-memory mode; `TEST_QDRANT_URL` adds a run against a real Qdrant."""
    if request.param == "a real Qdrant":
        return _REAL_QDRANT
    server: ServerProcess = request.getfixturevalue("shared_server")
    return server.url


@pytest.fixture
async def both(url: str) -> AsyncIterator[Both]:
    """Both sides without collections whose name begins with that of the fixture."""
    reference, server = AsyncQdrantClient(":memory:"), connect(url)
    name = f"test-{uuid4().hex}"
    yield Both(reference, server, name)
    for collection in (await server.get_collections()).collections:
        if collection.name.startswith(name):
            await server.delete_collection(collection.name)
    await server.close()
    await reference.close()


SIZE = 8
COUNT = 60
AUTHORS = ("ada", "grace", "linus")
_INDEXES = {
    "document_id": "keyword",
    "version": "integer",
    "published_at": "datetime",
    "code": "bool",
    "score": "float",
}


def sample_points(seed: int = 7) -> list[models.PointStruct]:
    """Chunks as the platform stores them, with seeded random vectors."""
    dice = random.Random(seed)
    points = []
    for number in range(COUNT):
        terms = sorted(dice.sample(range(30), 6))
        payload: dict[str, Any] = {
            "author_id": AUTHORS[number % 3],
            "document_id": f"document-{number // 4}",
            "version": number % 5,
            "published_at": f"2024-{number % 12 + 1:02d}-15T10:00:00Z",
            "score": number / 4,
            "title": f"About the number {number}",
            "code": number % 2 == 0,
            "links": [{"kind": "site", "rank": number % 3}, {"kind": "code", "rank": number % 4}],
        }
        if number % 7 == 0:
            payload["tags"] = []
        elif number % 7 == 1:
            payload["tags"] = None
        elif number % 7 > 2:
            payload["tags"] = ["streaming", f"tag-{number % 4}"]
        vector: Any = {
            "dense": [dice.gauss(0, 1) for _ in range(SIZE)],
            "bm25": models.SparseVector(indices=terms, values=[dice.uniform(0.2, 2) for _ in terms]),
        }
        points.append(models.PointStruct(id=number, vector=vector, payload=payload))
    return points


async def create_chunks(client: AsyncQdrantClient, name: str) -> None:
    """An empty collection with a dense and a sparse vector."""
    await client.create_collection(
        name,
        vectors_config={"dense": models.VectorParams(size=SIZE, distance=models.Distance.COSINE)},
        sparse_vectors_config={"bm25": models.SparseVectorParams(modifier=models.Modifier.IDF)},
    )


async def fill_chunks(client: AsyncQdrantClient, name: str) -> None:
    """The sample points, with the payload indexes that Qdrant wants for ordering and counting."""
    await create_chunks(client, name)
    tenant = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
    await client.create_payload_index(name, "author_id", tenant)
    for key, kind in _INDEXES.items():
        await client.create_payload_index(name, key, models.PayloadSchemaType(kind))
    await client.upsert(name, sample_points())


@pytest.fixture
async def chunks(both: Both) -> Both:
    """The sample points on both sides, for tests that change them."""
    for client in (both.reference, both.server):
        await fill_chunks(client, both.name)
    return both


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stored_once(url: str) -> AsyncIterator[tuple[AsyncQdrantClient, str]]:
    """The sample points in the in-memory mode and on the server, under one name."""
    reference, name = AsyncQdrantClient(":memory:"), f"test-{uuid4().hex}"
    server = connect(url)
    for client in (reference, server):
        await fill_chunks(client, name)
    yield reference, name
    await server.delete_collection(name)
    await server.close()


@pytest.fixture
async def stored(url: str, stored_once: tuple[AsyncQdrantClient, str]) -> AsyncIterator[Both]:
    """The sample points on both sides, for tests that only read."""
    reference, name = stored_once
    server = connect(url)
    yield Both(reference, server, name)
    await server.close()
