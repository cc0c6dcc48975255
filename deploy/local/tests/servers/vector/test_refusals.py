"""What is refused, with which status, and that the sentence names it.

The in-memory mode raises other exceptions and accepts more; these are the answers of a real Qdrant.
"""

from typing import Any

import httpx
import pytest
from qdrant_client import models
from qdrant_client.http.exceptions import UnexpectedResponse

SIZE = 4
DENSE = {"vectors": {"dense": {"size": SIZE, "distance": "Cosine"}}}


@pytest.fixture
async def collection(both: Any) -> Any:
    """A collection with one dense and one sparse vector and one point."""
    await both.server.create_collection(
        both.name,
        vectors_config={"dense": models.VectorParams(size=SIZE, distance=models.Distance.COSINE)},
        sparse_vectors_config={"bm25": models.SparseVectorParams()},
    )
    point = models.PointStruct(id=1, vector={"dense": [1.0] * SIZE}, payload={"version": 1})
    await both.server.upsert(both.name, [point])
    return both


class TestMissingCollection:
    @pytest.mark.parametrize(
        "ask",
        [
            lambda client, name: client.get_collection(name),
            lambda client, name: client.get_collection_aliases(name),
            lambda client, name: client.retrieve(name, [1]),
            lambda client, name: client.count(name),
            lambda client, name: client.scroll(name),
            lambda client, name: client.query_points(name, query=[1.0], limit=1),
            lambda client, name: client.upsert(name, [models.PointStruct(id=1, vector={})]),
            lambda client, name: client.delete(name, [1]),
            lambda client, name: client.facet(name, "author_id"),
            lambda client, name: client.create_payload_index(name, "author_id", "keyword"),
        ],
    )
    async def test_is_404_by_name(self, both: Any, ask: Any) -> None:
        with pytest.raises(UnexpectedResponse) as refusal:
            await ask(both.server, both.name)
        assert refusal.value.status_code == 404
        assert f"Not found: Collection `{both.name}` doesn't exist!" in refusal.value.content.decode()


class TestCollectionRequests:
    async def test_a_taken_name_is_409(self, collection: Any) -> None:
        with pytest.raises(UnexpectedResponse) as refusal:
            await collection.server.create_collection(collection.name, vectors_config={})
        assert refusal.value.status_code == 409
        assert "already exists" in refusal.value.content.decode()

    async def test_an_alias_of_that_name_is_400(self, collection: Any) -> None:
        alias = f"{collection.name}-alias"
        create = models.CreateAlias(collection_name=collection.name, alias_name=alias)
        await collection.server.update_collection_aliases([models.CreateAliasOperation(create_alias=create)])
        with pytest.raises(UnexpectedResponse) as refusal:
            await collection.server.create_collection(alias, vectors_config={})
        assert refusal.value.status_code == 400

    async def test_an_alias_of_a_missing_collection_is_404(self, both: Any) -> None:
        create = models.CreateAlias(collection_name=both.name, alias_name=f"{both.name}-alias")
        with pytest.raises(UnexpectedResponse) as refusal:
            await both.server.update_collection_aliases([models.CreateAliasOperation(create_alias=create)])
        assert refusal.value.status_code == 404


class TestPointRequests:
    @pytest.mark.parametrize(
        ("vector", "words"),
        [
            ({"dense": [1.0, 2.0]}, "expected dim: 4, got 2"),
            ({"other": [1.0] * SIZE}, "Not existing vector name error: other"),
        ],
    )
    async def test_a_wrong_vector_is_400_and_stores_nothing(
        self, collection: Any, vector: Any, words: str
    ) -> None:
        good = models.PointStruct(id=2, vector={"dense": [1.0] * SIZE})
        with pytest.raises(UnexpectedResponse) as refusal:
            await collection.server.upsert(collection.name, [good, models.PointStruct(id=3, vector=vector)])
        assert refusal.value.status_code == 400
        assert words in refusal.value.content.decode()
        assert (await collection.server.count(collection.name)).count == 1

    def test_an_id_that_is_none(self, collection: Any, url: str) -> None:
        point = {"id": "not-a-uuid", "vector": {"dense": [1.0] * SIZE}}
        answer = httpx.put(f"{url}/collections/{collection.name}/points", json={"points": [point]})
        assert answer.status_code == 400
        assert "not-a-uuid" in answer.json()["status"]["error"]

    async def test_a_payload_for_a_missing_point_is_404(self, collection: Any) -> None:
        with pytest.raises(UnexpectedResponse) as refusal:
            await collection.server.set_payload(collection.name, {"version": 2}, points=[99])
        assert refusal.value.status_code == 404


class TestQueryRequests:
    async def test_an_unknown_vector_is_400(self, collection: Any) -> None:
        with pytest.raises(UnexpectedResponse) as refusal:
            await collection.server.query_points(collection.name, query=[1.0] * SIZE, using="other")
        assert refusal.value.status_code == 400

    async def test_a_missing_example_is_404(self, collection: Any) -> None:
        with pytest.raises(UnexpectedResponse) as refusal:
            await collection.server.query_points(collection.name, query=99, using="dense")
        assert refusal.value.status_code == 404

    async def test_weights_for_another_number_of_prefetches_are_400(self, collection: Any) -> None:
        prefetch = models.Prefetch(query=[1.0] * SIZE, using="dense")
        query = models.RrfQuery(rrf=models.Rrf(weights=[1.0, 2.0]))
        with pytest.raises(UnexpectedResponse) as refusal:
            await collection.server.query_points(collection.name, prefetch=prefetch, query=query)
        assert refusal.value.status_code == 400
        assert "weights" in refusal.value.content.decode()

    async def test_ordering_and_counting_want_an_index(self, collection: Any) -> None:
        for ask in (
            collection.server.scroll(collection.name, order_by="version"),
            collection.server.facet(collection.name, "version"),
        ):
            with pytest.raises(UnexpectedResponse) as refusal:
                await ask
            assert refusal.value.status_code == 400
            assert "index" in refusal.value.content.decode()

    def test_a_limit_of_none_is_422(self, collection: Any, url: str) -> None:
        answer = httpx.post(f"{url}/collections/{collection.name}/points/scroll", json={"limit": 0})
        assert answer.status_code == 422

    def test_a_body_that_is_no_json_is_400(self, collection: Any, url: str) -> None:
        answer = httpx.post(
            f"{url}/collections/{collection.name}/points/scroll",
            content=b"{",
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code == 400


class TestWhatTheLocalServerLacks:
    """A real Qdrant can do these; here they are refused, since to ignore them would be to answer wrongly."""

    @pytest.mark.parametrize(
        ("path", "body", "named"),
        [
            ("points/query", {"query": {"text": "words", "model": "any"}}, "text"),
            (
                "points/query",
                {"query": [1.0] * SIZE, "using": "dense", "lookup_from": {"collection": "x"}},
                "lookup_from",
            ),
            ("points/scroll", {"shard_key": "a"}, "shard_key"),
            ("points/scroll", {"filter": {"must": [{"key": "at", "geo_radius": {}}]}}, "geo_radius"),
            ("points/count", {"filter": {"must": [{"slice": {"index": 0, "total": 2}}]}}, "slice"),
            (
                "points/query/groups",
                {"query": [1.0] * SIZE, "group_by": "a", "with_lookup": "x"},
                "with_lookup",
            ),
        ],
    )
    def test_is_named_in_a_400(
        self, collection: Any, shared_server: Any, path: str, body: Any, named: str
    ) -> None:
        url = f"{shared_server.url}/collections/{collection.name}/{path}"
        answer = httpx.post(url, json=body)
        assert answer.status_code == 400
        assert named in answer.json()["status"]["error"]

    def test_a_collection_of_shard_keys(self, both: Any, shared_server: Any) -> None:
        body = {**DENSE, "sharding_method": "custom"}
        answer = httpx.put(f"{shared_server.url}/collections/{both.name}", json=body)
        assert answer.status_code == 400
        assert "sharding_method" in answer.json()["status"]["error"]

    def test_an_unknown_route_is_404(self, shared_server: Any) -> None:
        answer = httpx.post(f"{shared_server.url}/collections/any/snapshots")
        assert answer.status_code == 404
        assert "/collections/any/snapshots" in answer.json()["status"]["error"]
