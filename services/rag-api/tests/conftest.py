"""The service as it runs: a real HTTP server over a real warehouse and a real vector index."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
import uvicorn
from pydantic import SecretStr
from qdrant_client import AsyncQdrantClient, models

from twin_common.documents import Category, Chunk, DocumentHead, HeadStatus, StageTimes, text_hash
from twin_common.embedding import Embedder, SparseEmbedder, load_sparse_embedder
from twin_common.embedding.words import pack_words
from twin_common.identity import AuthorId, document_id, point_id
from twin_common.index_builds import IndexBuild, ensure_collections
from twin_common.kafka_settings import KafkaSettings
from twin_common.testing.embedding import HashingEmbedder
from twin_common.vector_index import (
    BM25,
    CHUNKS,
    DENSE,
    DOCUMENTS,
    WORDS,
    VectorIndexSettings,
    connect,
)
from twin_common.warehouse import Warehouse, WarehouseSettings
from twin_rag_api.app import create_app
from twin_rag_api.auth import ApiKeys, AuthorScope
from twin_rag_api.resources import Resources
from twin_rag_api.retrieval.encoding import Encoding
from twin_rag_api.settings import ApiSettings

ADA, BOB = AuthorId("ada"), AuthorId("bob")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EMBEDDER = HashingEmbedder()
SPARSE = load_sparse_embedder()


@dataclass
class Api:
    """A running service."""

    url: str
    resources: Resources
    http: httpx.AsyncClient
    keys: dict[AuthorId, str]

    def as_author(self, author_id: AuthorId) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys[author_id]}"}

    async def post(self, path: str, body: Any, author_id: AuthorId = ADA) -> httpx.Response:
        return await self.http.post(path, json=body, headers=self.as_author(author_id))

    async def put(self, path: str, body: Any) -> httpx.Response:
        return await self.http.put(path, json=body, headers=self.as_author(ADA))

    async def get(self, path: str, author_id: AuthorId = ADA, **params: Any) -> httpx.Response:
        return await self.http.get(path, params=params, headers=self.as_author(author_id))

    async def figure(self, series: str) -> float:
        """A number out of `/metrics`, which all services of this process share."""
        lines = (await self.http.get("/metrics")).text.splitlines()
        [value] = [line.removeprefix(series) for line in lines if line.startswith(f"{series} ")]
        return float(value)

    async def scope(self, author_id: AuthorId = ADA) -> AuthorScope:
        return await self.resources.authenticator.authenticate(self.keys[author_id])


StartApi = Callable[..., Any]


def chunk(text: str, author_id: AuthorId = ADA, path: str = "/a", **fields: Any) -> Chunk:
    url = f"https://{author_id}.example{path}"
    defaults: dict[str, Any] = {
        "document_id": document_id(author_id, url),
        "author_id": author_id,
        "version": 1,
        "chunk_index": 0,
        "category": Category.ARTICLE,
        "platform": "web",
        "url": url,
        "title": f"Title of {path}",
        "language": "en",
        "published_at": NOW,
        "start": 0,
        "text": text,
        "text_hash": text_hash(text),
        "token_count": len(text.split()),
    }
    return Chunk(**defaults | fields)


async def put_chunks(index: AsyncQdrantClient, chunks: Sequence[Chunk]) -> None:
    """Index chunks as the feature stream does."""
    texts = [entry.text for entry in chunks]
    vectors, words = EMBEDDER.embed_with_words(texts)
    points = [
        models.PointStruct(
            id=point_id(entry.document_id, entry.chunk_index),
            vector={
                DENSE: dense.tolist(),
                BM25: models.SparseVector(indices=sparse.indices, values=sparse.values),
            },
            payload=entry.model_dump(mode="json") | {WORDS: pack_words(own)},
        )
        for entry, dense, own, sparse in zip(
            chunks, vectors, words, SPARSE.embed_documents(texts), strict=True
        )
    ]
    await index.upsert(CHUNKS, points, wait=True)


async def put_head(index: AsyncQdrantClient, **fields: Any) -> None:
    """Tell the index's view of a document, as the feature stream does."""
    defaults: dict[str, Any] = {
        "content_hash": "h",
        "category": Category.ARTICLE,
        "platform": "web",
        "title": "t",
        "language": "en",
        "published_at": None,
        "text": "",
        "status": HeadStatus.SEARCHABLE,
        "chunk_count": 1,
        "stages": StageTimes(stored_at=NOW, searchable_at=NOW),
    }
    head = DocumentHead(**defaults | fields)
    point = models.PointStruct(id=head.document_id, vector={}, payload=head.model_dump(mode="json"))
    await index.upsert(DOCUMENTS, [point], wait=True)


@pytest.fixture(params=["server", "memory"])
async def any_index(request: pytest.FixtureRequest, qdrant_url: str) -> AsyncIterator[AsyncQdrantClient]:
    """The two implementations a query must run on alike; a real Qdrant too, if TEST_QDRANT_URL names one."""
    client = AsyncQdrantClient(":memory:") if request.param == "memory" else connected(qdrant_url)
    async with emptied(client):
        yield client


@pytest.fixture
async def index(qdrant_url: str) -> AsyncIterator[AsyncQdrantClient]:
    """An index with both collections, and nothing in them."""
    async with emptied(connected(qdrant_url)) as client:
        yield client


@pytest.fixture
async def start_api(
    warehouse: Warehouse, mongodb_url: str, index: AsyncQdrantClient, qdrant_url: str
) -> AsyncIterator[StartApi]:
    """Starts the service with other settings; it stops at the end of the test."""
    database = WarehouseSettings(url=SecretStr(mongodb_url), database=warehouse.database.name)
    async with AsyncExitStack() as stack:

        async def start(kafka: str = "127.0.0.1:1", **settings: Any) -> Api:
            return await stack.enter_async_context(running(database, qdrant_url, kafka, settings))

        yield start


@pytest.fixture
async def api(start_api: StartApi) -> Api:
    """The service without a language model and without Kafka."""
    started: Api = await start_api()
    return started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_api(mongodb_url: str, qdrant_url: str) -> AsyncIterator[Api]:
    """One service for all tests of a file that leave nothing behind."""
    database = WarehouseSettings(url=SecretStr(mongodb_url), database=f"test_{uuid4().hex}")
    async with (
        Warehouse(database) as own,
        emptied(connected(qdrant_url)),
        running(database, qdrant_url, "127.0.0.1:1", {}) as started,
    ):
        yield started
        await own.client.drop_database(database.database)


def _load(build: IndexBuild | None) -> tuple[Embedder, SparseEmbedder]:
    """The encoder of a build, unless it is one that this service cannot have."""
    if build is None or not build.encoder:
        return EMBEDDER, SPARSE
    if build.encoder["backend"] != "hashing":
        raise ImportError("install twin-common[sentence-transformers]")
    return HashingEmbedder(model_name=build.encoder["model"]), SPARSE


@asynccontextmanager
async def running(
    database: WarehouseSettings, qdrant_url: str, kafka: str, settings: dict[str, Any]
) -> AsyncIterator[Api]:
    own = Warehouse(database)
    resources = Resources.build(
        ApiSettings(**settings),
        own,
        connected(qdrant_url),
        Encoding(_load),
        KafkaSettings(bootstrap_servers=kafka),
    )
    async with serving(create_app(resources)) as url:
        keys = {author: await ApiKeys(own.database).create(author, "test") for author in (ADA, BOB)}
        async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as http:
            async with asyncio.timeout(60):
                while not resources.has_rooms:
                    await asyncio.sleep(0.02)
            for _ in range(200):
                if (await http.get("/readyz")).status_code == 200:
                    break
                await asyncio.sleep(0.02)
            yield Api(url, resources, http, keys)


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """An ASGI application behind a real HTTP server in this loop."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    server.capture_signals = _no_signals  # type: ignore[assignment]
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        if task.done():
            raise RuntimeError("the application did not start") from task.exception()
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


class _NoSignals:
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


_no_signals = _NoSignals


def connected(url: str) -> AsyncQdrantClient:
    return connect(VectorIndexSettings(url=url))


@asynccontextmanager
async def emptied(client: AsyncQdrantClient) -> AsyncIterator[AsyncQdrantClient]:
    for entry in (await client.get_collections()).collections:
        await client.delete_collection(entry.name)
    await ensure_collections(client, EMBEDDER.model_name, EMBEDDER.dimensions)
    yield client
    await client.close()
