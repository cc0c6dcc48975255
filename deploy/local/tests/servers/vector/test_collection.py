"""A collection on its own: what maintenance keeps and what it gives back."""

from pathlib import Path
from typing import Any

import pytest

from twin_local.servers.vector.collection import Collection
from twin_local.servers.vector.errors import RequestError
from twin_local.servers.vector.schema import CollectionSchema

SIZE = 256
STORED, KEPT = 6000, 1000


def create(folder: Path) -> Collection:
    body = {"vectors": {"dense": {"size": SIZE, "distance": "Dot"}}}
    collection = Collection.create(folder, CollectionSchema.from_request(body))
    points = [
        {"id": number, "vector": {"dense": [float(number)] * SIZE}, "payload": {"number": number}}
        for number in range(STORED)
    ]
    collection.update("upsert", {"points": points})
    return collection


def best(collection: Collection) -> list[Any]:
    query = {"query": [1.0] * SIZE, "using": "dense", "limit": 5, "with_payload": True}
    return [(point["id"], point["payload"]["number"]) for point in collection.query(query)["points"]]


def stored_bytes(folder: Path) -> int:
    """Space taken on the disk, not the length of sparse files."""
    return sum(file.stat().st_blocks * 512 for file in (folder / "segments").rglob("*") if file.is_file())


class TestMaintenance:
    def test_gives_back_the_space_of_deleted_points_in_a_pause(self, tmp_path: Path) -> None:
        collection = create(tmp_path)
        collection.update("delete", {"points": list(range(KEPT, STORED))})
        collection.maintain()
        before = stored_bytes(tmp_path)
        collection.maintain()  # rewrites
        collection.maintain()  # makes that durable, so that the old files can go
        assert stored_bytes(tmp_path) < before / 2
        assert collection.points_count() == KEPT
        assert best(collection) == [(number, number) for number in range(KEPT - 1, KEPT - 6, -1)]

    def test_leaves_a_collection_alone_that_is_being_written(self, tmp_path: Path) -> None:
        collection = create(tmp_path)
        collection.update("delete", {"points": list(range(KEPT, STORED))})
        collection.maintain()
        before = stored_bytes(tmp_path)
        for number in range(3):
            collection.update("delete", {"points": [number]})
            collection.maintain()
        assert stored_bytes(tmp_path) >= before

    def test_survives_being_loaded_again(self, tmp_path: Path) -> None:
        collection = create(tmp_path)
        collection.update("delete", {"points": list(range(KEPT, STORED))})
        for _ in range(3):
            collection.maintain()
        collection.close()
        again = Collection.load(tmp_path, collection.schema)
        assert again.points_count() == KEPT
        assert best(again)[0] == (KEPT - 1, KEPT - 1)


class TestSchema:
    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({"vectors": {"dense": {"size": 4, "distance": "Nearest"}}}, 400),
            ({"vectors": {"dense": {"size": 0, "distance": "Dot"}}}, 422),
            ({"vectors": {"dense": {"size": 4}}}, 422),
            ({"vectors": {"a": {"size": 4, "distance": "Dot"}}, "sparse_vectors": {"a": {}}}, 400),
            ({"sparse_vectors": {"a": {"modifier": "tf"}}}, 400),
            ({"strict_mode_config": {"enabled": True}}, 400),
        ],
    )
    def test_refuses_what_it_cannot_hold(self, tmp_path: Path, body: Any, status: int) -> None:
        with pytest.raises(RequestError) as refusal:
            Collection.create(tmp_path, CollectionSchema.from_request(body))
        assert refusal.value.status == status
