"""The server as a process: what it keeps, who may own its folder, how it stops."""

import asyncio
import random
import signal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from qdrant_client import AsyncQdrantClient, models
from qdrant_client.common.version_check import is_compatible
from qdrant_client.http.exceptions import ResponseHandlingException

SIZE = 32


def vector(number: int) -> list[float]:
    dice = random.Random(number)
    return [dice.gauss(0, 1) for _ in range(SIZE)]


def points(first: int, count: int) -> list[models.PointStruct]:
    return [
        models.PointStruct(
            id=number,
            vector={"dense": vector(number)},
            payload={"author_id": f"author-{number % 3}", "number": number},
        )
        for number in range(first, first + count)
    ]


async def create(client: AsyncQdrantClient, name: str) -> None:
    await client.create_collection(
        name, vectors_config={"dense": models.VectorParams(size=SIZE, distance=models.Distance.COSINE)}
    )
    await client.create_payload_index(name, "author_id", models.PayloadSchemaType.KEYWORD)


async def numbers(client: AsyncQdrantClient, name: str) -> list[Any]:
    found, _ = await client.scroll(name, limit=100_000, with_payload=True)
    assert all((point.payload or {})["number"] == point.id for point in found)
    return [point.id for point in found]


class TestDurability:
    async def test_a_killed_server_has_every_acknowledged_write(
        self, vector_server: Any, tmp_path: Path
    ) -> None:
        with vector_server(tmp_path) as server:
            client = server.client()
            await create(client, "chunks__1")
            await client.create_collection("documents", vectors_config={})
            create_alias = models.CreateAlias(collection_name="chunks__1", alias_name="chunks")
            await client.update_collection_aliases([models.CreateAliasOperation(create_alias=create_alias)])
            for first in range(0, 4000, 100):
                await client.upsert("chunks", points(first, 100), wait=True)
            await client.delete("chunks", [7, 8], wait=True)
            await client.upsert("documents", [models.PointStruct(id=1, vector={}, payload={"head": 2})])
            server.stop(signal.SIGKILL)
        with vector_server(tmp_path) as server:
            client = server.client()
            assert await numbers(client, "chunks") == [n for n in range(4000) if n not in (7, 8)]
            assert (await client.retrieve("documents", [1]))[0].payload == {"head": 2}
            info = await client.get_collection("chunks")
            assert info.payload_schema["author_id"].points == 3998
            found = await client.query_points("chunks", query=vector(0), using="dense", limit=1)
            assert found.points[0].id == 0

    async def test_killed_amid_writes_and_maintenance(self, vector_server: Any, tmp_path: Path) -> None:
        acknowledged: set[int] = set()

        async def write(client: AsyncQdrantClient) -> None:
            for first in range(0, 1_000_000, 50):
                await client.upsert("chunks", points(first, 50), wait=True)
                acknowledged.update(range(first, first + 50))

        with vector_server(tmp_path) as server:
            await create(server.client(), "chunks")
            writing = asyncio.create_task(write(server.client()))
            await asyncio.sleep(6)  # past the first flush, which comes after five seconds
            server.stop(signal.SIGKILL)
            with pytest.raises(ResponseHandlingException):
                await writing
        with vector_server(tmp_path) as server:
            kept = await numbers(server.client(), "chunks")
        assert len(acknowledged) > 500
        assert acknowledged <= set(kept)
        assert len(kept) == len(set(kept))

    async def test_a_stopped_server_keeps_everything_and_ends_with_0(
        self, vector_server: Any, tmp_path: Path
    ) -> None:
        with vector_server(tmp_path) as server:
            await create(server.client(), "chunks")
            await server.client().upsert("chunks", points(0, 100))
            assert server.stop(signal.SIGTERM) == 0
        with vector_server(tmp_path) as server:
            assert await numbers(server.client(), "chunks") == list(range(100))
            assert server.stop(signal.SIGINT) == 0

    async def test_a_refused_write_does_not_come_back(self, vector_server: Any, tmp_path: Path) -> None:
        with vector_server(tmp_path) as server:
            await create(server.client(), "chunks")
            url = f"{server.url}/collections/chunks/points/payload?wait=true"
            async with httpx.AsyncClient() as http:
                answer = await http.post(url, json={"payload": {"a": 1}, "points": [5]})
            assert answer.status_code == 404
            await server.client().upsert("chunks", points(0, 10))
            server.stop(signal.SIGKILL)
        with vector_server(tmp_path) as server:
            assert await numbers(server.client(), "chunks") == list(range(10))

    async def test_deleted_collections_leave_no_files(self, vector_server: Any, tmp_path: Path) -> None:
        with vector_server(tmp_path) as server:
            await create(server.client(), "chunks")
            await server.client().delete_collection("chunks")
            assert list((tmp_path / "collections").iterdir()) == []

    async def test_what_a_crash_left_of_a_collection_goes(self, vector_server: Any, tmp_path: Path) -> None:
        leftover = tmp_path / "collections" / "half-made"
        leftover.mkdir(parents=True)
        with vector_server(tmp_path) as server:
            assert not leftover.exists()
            assert (await server.client().get_collections()).collections == []


class TestConcurrency:
    async def test_writers_and_readers(self, vector_server: Any, tmp_path: Path) -> None:
        with vector_server(tmp_path) as server:
            await create(server.client(), "chunks")

            async def write(first: int) -> None:
                client = server.client()
                for start in range(first, first + 300, 20):
                    await client.upsert("chunks", points(start, 20))

            async def read() -> None:
                client, seen = server.client(), 0
                while seen < 1200:
                    count = (await client.count("chunks")).count
                    assert count >= seen
                    seen = count
                    query = vector(seen)
                    await client.query_points("chunks", query=query, using="dense", limit=5)

            await asyncio.gather(*(write(first) for first in range(0, 1200, 300)), read(), read())
            assert await numbers(server.client(), "chunks") == list(range(1200))


class TestOwnership:
    def test_a_second_process_is_refused(self, vector_server: Any, start_server: Any, tmp_path: Path) -> None:
        with vector_server(tmp_path) as server:
            second = start_server(tmp_path)
            _, complaint = second.communicate(timeout=20)
            assert second.returncode == 1
            assert str(tmp_path) in complaint
            assert f"process {server.process.pid}" in complaint
            assert httpx.get(f"{server.url}/readyz").status_code == 200

    def test_a_busy_port_is_named(self, vector_server: Any, start_server: Any, tmp_path: Path) -> None:
        with vector_server(tmp_path / "one") as server:
            port = int(server.url.rpartition(":")[2])
            second = start_server(tmp_path / "two", port)
            _, complaint = second.communicate(timeout=20)
            assert second.returncode == 1
            assert f"127.0.0.1:{port}" in complaint
            assert "--port" in complaint

    def test_a_broken_table_is_named_with_the_remedy(self, start_server: Any, tmp_path: Path) -> None:
        (tmp_path / "table.json").write_bytes(b"{")
        server = start_server(tmp_path)
        _, complaint = server.communicate(timeout=20)
        assert server.returncode == 1
        assert "table.json" in complaint
        assert "twin reconcile" in complaint


class TestService:
    async def test_the_client_finds_the_version_compatible(self, shared_server: Any) -> None:
        told = (await shared_server.client().info()).version
        assert is_compatible(version("qdrant-client"), told)

    @pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
    def test_health(self, shared_server: Any, path: str) -> None:
        assert httpx.get(f"{shared_server.url}{path}").status_code == 200

    async def test_metrics_count_collections_and_points(self, vector_server: Any, tmp_path: Path) -> None:
        with vector_server(tmp_path) as server:
            await create(server.client(), "chunks")
            await server.client().upsert("chunks", points(0, 30))
            async with httpx.AsyncClient() as http:
                lines = (await http.get(f"{server.url}/metrics")).text.splitlines()
        assert "collections_total 1" in lines
        assert 'collection_points{id="chunks"} 30' in lines

    def test_envelopes(self, shared_server: Any) -> None:
        answer = orjson.loads(httpx.get(f"{shared_server.url}/collections").content)
        assert answer["status"] == "ok"
        assert answer["time"] >= 0
        assert "collections" in answer["result"]
