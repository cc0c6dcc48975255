"""Writes through the server leave what they leave in the in-memory mode of qdrant-client."""

import random
from typing import Any

import pytest
from qdrant_client import models

SIZE = 8
COUNT = 60


def query_vector(seed: int) -> list[float]:
    dice = random.Random(seed)
    return [dice.gauss(0, 1) for _ in range(SIZE)]


def field(key: str, **condition: Any) -> models.FieldCondition:
    return models.FieldCondition(key=key, **condition)


def value(content: Any) -> models.MatchValue:
    return models.MatchValue(value=content)


BY_ADA = models.Filter(must=[field("author_id", match=value("ada"))])
SPARSE_QUERY = models.SparseVector(indices=[2, 5, 11, 17, 23], values=[1.0] * 5)


class TestUpdates:
    async def test_retrieve_gives_payload_and_vectors(self, chunks: Any) -> None:
        found = await chunks.same(
            lambda client: client.retrieve(chunks.name, [5, 3, 999], with_payload=True, with_vectors=True)
        )
        assert [point.id for point in found] == [5, 3]

    @pytest.mark.parametrize(
        "with_payload",
        [
            False,
            ["author_id", "links[].kind"],
            models.PayloadSelectorInclude(include=["version"]),
            models.PayloadSelectorExclude(exclude=["links", "tags"]),
        ],
    )
    async def test_payload_selection(self, chunks: Any, with_payload: Any) -> None:
        await chunks.same(lambda client: client.retrieve(chunks.name, [1, 2], with_payload=with_payload))

    async def test_one_vector_of_several(self, chunks: Any) -> None:
        found = await chunks.same(lambda client: client.retrieve(chunks.name, [1], with_vectors=["bm25"]))
        assert list(found[0].vector) == ["bm25"]

    async def test_upsert_replaces_a_point(self, chunks: Any) -> None:
        replacement = models.PointStruct(id=4, vector={"dense": query_vector(1)}, payload={"version": 9})
        await chunks.same(lambda client: client.upsert(chunks.name, [replacement]))
        found = await chunks.same(
            lambda client: client.retrieve(chunks.name, [4], with_payload=True, with_vectors=True)
        )
        assert found[0].payload == {"version": 9}

    async def test_upsert_in_columns(self, chunks: Any) -> None:
        batch = models.Batch(
            ids=[100, 101],
            vectors={"dense": [query_vector(1), query_vector(2)]},
            payloads=[{"version": 1}, {"version": 2}],
        )
        await chunks.same(lambda client: client.upsert(chunks.name, batch))
        await chunks.same(lambda client: client.retrieve(chunks.name, [100, 101], with_vectors=True))

    async def test_uuid_and_integer_ids(self, chunks: Any) -> None:
        identity = "6f1c0f0e-3a43-5f6e-9d0c-3a2b1c0d9e8f"
        point = models.PointStruct(id=identity, vector={"dense": query_vector(1)}, payload={"version": 1})
        await chunks.same(lambda client: client.upsert(chunks.name, [point]))
        found = await chunks.same(lambda client: client.retrieve(chunks.name, [identity]))
        assert found[0].id == identity

    async def test_delete_by_ids(self, chunks: Any) -> None:
        await chunks.same(lambda client: client.delete(chunks.name, [1, 2, 999]))
        count = await chunks.same(lambda client: client.count(chunks.name))
        assert count.count == COUNT - 2

    async def test_delete_older_versions_of_a_document(self, chunks: Any) -> None:
        older = models.Filter(
            must=[
                field("document_id", match=value("document-1")),
                field("version", range=models.Range(lt=2)),
            ]
        )
        await chunks.same(lambda client: client.delete(chunks.name, models.FilterSelector(filter=older)))
        await chunks.same(lambda client: client.scroll(chunks.name, limit=COUNT))

    async def test_set_overwrite_delete_and_clear_payload(self, chunks: Any) -> None:
        name = chunks.name
        await chunks.same(lambda client: client.set_payload(name, {"version": 7, "new": [1]}, points=[1, 2]))
        await chunks.same(lambda client: client.set_payload(name, {"old": True}, points=BY_ADA))
        await chunks.same(lambda client: client.set_payload(name, {"deep": 1}, points=[3], key="inner"))
        await chunks.same(lambda client: client.overwrite_payload(name, {"only": 1}, points=[4]))
        await chunks.same(lambda client: client.delete_payload(name, ["title", "links"], points=[5, 6]))
        await chunks.same(lambda client: client.clear_payload(name, points_selector=[7]))
        await chunks.same(lambda client: client.scroll(name, limit=COUNT))

    async def test_vectors_change_without_the_payload(self, chunks: Any) -> None:
        change = models.PointVectors(id=1, vector={"dense": query_vector(5)})
        await chunks.same(lambda client: client.update_vectors(chunks.name, [change]))
        await chunks.same(lambda client: client.delete_vectors(chunks.name, ["bm25"], [2]))
        await chunks.same(lambda client: client.retrieve(chunks.name, [1, 2], with_vectors=True))

    async def test_updates_in_one_request(self, chunks: Any) -> None:
        operations = [
            models.UpsertOperation(
                upsert=models.PointsList(
                    points=[models.PointStruct(id=200, vector={}, payload={"version": 1})]
                )
            ),
            models.SetPayloadOperation(set_payload=models.SetPayload(payload={"version": 2}, points=[200])),
            models.DeleteOperation(delete=models.PointIdsList(points=[1])),
        ]
        await chunks.same(lambda client: client.batch_update_points(chunks.name, operations))
        await chunks.same(lambda client: client.retrieve(chunks.name, [1, 200]))
