"""Collections and aliases through the unmodified qdrant-client."""

from typing import Any

import pytest
from qdrant_client import models
from qdrant_client.http.exceptions import UnexpectedResponse

SIZE, COUNT = 8, 60
AUTHORS = ("ada", "grace", "linus")
BY_ADA = models.Filter(must=[models.FieldCondition(key="author_id", match=models.MatchValue(value="ada"))])


class TestCollections:
    async def test_exists_only_while_it_does(self, both: Any) -> None:
        assert await both.same(lambda client: client.collection_exists(both.name)) is False
        await both.same(lambda client: client.create_collection(both.name, vectors_config={}))
        assert await both.same(lambda client: client.collection_exists(both.name)) is True
        await both.same(lambda client: client.delete_collection(both.name))
        assert await both.same(lambda client: client.collection_exists(both.name)) is False

    async def test_deleting_none_is_no_error(self, both: Any) -> None:
        assert await both.server.delete_collection(both.name) is False

    async def test_without_vectors(self, both: Any) -> None:
        points = [
            models.PointStruct(
                id=number, vector={}, payload={"author_id": AUTHORS[number % 3], "version": number}
            )
            for number in range(30)
        ]
        name = both.name
        await both.same(lambda client: client.create_collection(name, vectors_config={}))
        await both.same(lambda client: client.upsert(name, points))
        await both.server.create_payload_index(name, "author_id", models.PayloadSchemaType.KEYWORD)
        found = await both.same(lambda client: client.retrieve(name, [3], with_payload=True))
        assert found[0].payload == {"author_id": "ada", "version": 3}
        await both.same(lambda client: client.scroll(name, scroll_filter=BY_ADA, limit=4))
        await both.same(lambda client: client.delete(name, models.FilterSelector(filter=BY_ADA)))
        assert (await both.same(lambda client: client.count(name))).count == 20
        assert (await both.server.get_collection(name)).config.params.vectors in (None, {})
        shown = await both.server.retrieve(name, [4], with_vectors=True)
        assert shown[0].vector in (None, {})

    async def test_with_one_unnamed_vector(self, both: Any) -> None:
        name = both.name
        for client in (both.reference, both.server):
            parameters = models.VectorParams(size=2, distance=models.Distance.DOT)
            await client.create_collection(name, vectors_config=parameters)
            await client.upsert(
                name, [models.PointStruct(id=n, vector=[1.0, float(n)], payload={}) for n in range(5)]
            )
        await both.same(
            lambda client: client.query_points(name, query=[1.0, 1.0], limit=3, with_vectors=True)
        )

    async def test_with_several_vectors_for_a_point(self, both: Any) -> None:
        name = both.name
        parameters = models.VectorParams(
            size=2,
            distance=models.Distance.COSINE,
            multivector_config=models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM),
        )
        for client in (both.reference, both.server):
            await client.create_collection(name, vectors_config={"words": parameters})
            rows = [models.PointStruct(id=n, vector={"words": [[1.0, n], [n, -1.0]]}) for n in range(1, 6)]
            await client.upsert(name, rows)
        query = [[1.0, 0.5], [0.2, 1.0]]
        await both.same(
            lambda client: client.query_points(name, query=query, using="words", with_vectors=True)
        )

    async def test_describes_itself(self, chunks: Any) -> None:
        info = await chunks.server.get_collection(chunks.name)
        assert info.points_count == COUNT
        assert info.config.params.vectors["dense"].size == SIZE
        assert info.config.params.sparse_vectors["bm25"].modifier == models.Modifier.IDF
        assert info.payload_schema["author_id"].params.is_tenant is True
        assert info.payload_schema["version"].data_type == models.PayloadSchemaType.INTEGER
        await chunks.server.delete_payload_index(chunks.name, "version")
        assert "version" not in (await chunks.server.get_collection(chunks.name)).payload_schema


def point_alias(alias: str, name: str) -> list[Any]:
    """Let an alias point at a collection, wherever it pointed before."""
    return [
        models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias)),
        models.CreateAliasOperation(create_alias=models.CreateAlias(collection_name=name, alias_name=alias)),
    ]


class TestAliases:
    async def test_an_alias_moves_to_another_collection(self, both: Any) -> None:
        old, new, alias = f"{both.name}-1", f"{both.name}-2", f"{both.name}-alias"
        for client in (both.reference, both.server):
            for name, version in ((old, 1), (new, 2)):
                await client.create_collection(name, vectors_config={})
                await client.upsert(name, [models.PointStruct(id=1, vector={}, payload={"version": version})])
        await both.same(lambda client: client.update_collection_aliases(point_alias(alias, old)[1:]))
        found = await both.same(lambda client: client.retrieve(alias, [1]))
        assert found[0].payload == {"version": 1}
        await both.same(lambda client: client.update_collection_aliases(point_alias(alias, new)))
        found = await both.same(lambda client: client.retrieve(alias, [1]))
        assert found[0].payload == {"version": 2}
        await both.same(lambda client: client.get_collection_aliases(new))
        assert (await both.server.get_collection_aliases(old)).aliases == []
        assert await both.server.collection_exists(alias)

    async def test_a_collection_takes_its_aliases_along(self, both: Any) -> None:
        alias = f"{both.name}-alias"
        await both.server.create_collection(both.name, vectors_config={})
        await both.server.update_collection_aliases(point_alias(alias, both.name)[1:])
        await both.server.delete_collection(both.name)
        assert alias not in [entry.alias_name for entry in (await both.server.get_aliases()).aliases]

    async def test_rename(self, both: Any) -> None:
        old, new = f"{both.name}-old", f"{both.name}-new"
        await both.server.create_collection(both.name, vectors_config={})
        await both.server.update_collection_aliases(point_alias(old, both.name)[1:])
        rename = models.RenameAlias(old_alias_name=old, new_alias_name=new)
        await both.server.update_collection_aliases([models.RenameAliasOperation(rename_alias=rename)])
        aliases = (await both.server.get_collection_aliases(both.name)).aliases
        assert [entry.alias_name for entry in aliases] == [new]

    async def test_all_changes_or_none(self, both: Any) -> None:
        # The in-memory mode raises ValueError; Qdrant answers 404.
        alias = f"{both.name}-alias"
        await both.server.create_collection(both.name, vectors_config={})
        actions = [*point_alias(alias, both.name)[1:], *point_alias(alias, f"{both.name}-missing")]
        with pytest.raises(UnexpectedResponse) as refusal:
            await both.server.update_collection_aliases(actions)
        assert refusal.value.status_code == 404
