"""The layout of the vector index: in the client's own local mode, and in a server."""

from collections.abc import AsyncIterator

import pytest
from qdrant_client import AsyncQdrantClient, models

from twin_common.documents import Category, HeadStatus, HeadSummary
from twin_common.identity import AuthorId, document_id
from twin_common.index_builds import ensure_collections
from twin_common.vector_index import (
    BM25,
    CHUNKS,
    DENSE,
    DOCUMENTS,
    VectorIndexSettings,
    collection_name,
    connect,
    head_summaries,
)

_MODEL = "sentence-transformers/all-MiniLM-L6-v2"


@pytest.fixture(params=["memory", "server"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[AsyncQdrantClient]:
    if request.param == "memory":
        client = AsyncQdrantClient(":memory:")
    else:
        client = connect(VectorIndexSettings(url=request.getfixturevalue("qdrant_url")))
    await _clear(client)  # another test of this run may have used the server
    yield client
    await _clear(client)
    await client.close()


async def _clear(client: AsyncQdrantClient) -> None:
    for collection in (await client.get_collections()).collections:
        await client.delete_collection(collection.name)


def _head(author: str, page: int) -> HeadSummary:
    url = f"https://example.com/{page}"
    return HeadSummary(
        document_id=document_id(AuthorId(author), url),
        author_id=AuthorId(author),
        version=page + 1,
        content_hash="h",
        category=Category.ARTICLE,
        url=url,
        title=f"Page {page}",
        status=HeadStatus.SEARCHABLE,
    )


async def _store(client: AsyncQdrantClient, heads: list[HeadSummary]) -> None:
    points = [
        models.PointStruct(
            id=head.document_id, vector={}, payload=head.model_dump(mode="json") | {"text": "x"}
        )
        for head in heads
    ]
    await client.upsert(DOCUMENTS, points, wait=True)


class TestCollectionName:
    def test_carries_model_and_pipeline(self) -> None:
        assert collection_name(CHUNKS, _MODEL) == "chunks__all_minilm_l6_v2__p3"

    def test_tells_models_apart(self) -> None:
        assert collection_name(CHUNKS, "a/bge-small") != collection_name(CHUNKS, "a/bge-base")


@pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant")
class TestEnsureCollections:
    async def test_makes_both_collections_behind_their_aliases(self, client: AsyncQdrantClient) -> None:
        await ensure_collections(client, _MODEL, 8)
        aliases = {entry.alias_name: entry.collection_name for entry in (await client.get_aliases()).aliases}
        assert aliases == {name: collection_name(name, _MODEL) for name in (CHUNKS, DOCUMENTS)}
        parameters = (await client.get_collection(CHUNKS)).config.params
        assert isinstance(parameters.vectors, dict) and parameters.sparse_vectors is not None
        assert parameters.vectors[DENSE].size == 8
        assert parameters.vectors[DENSE].distance == models.Distance.COSINE
        assert parameters.sparse_vectors[BM25].modifier == models.Modifier.IDF

    async def test_repeating_it_keeps_what_is_there(self, client: AsyncQdrantClient) -> None:
        await ensure_collections(client, _MODEL, 8)
        await _store(client, [_head("ada", 1)])
        await ensure_collections(client, _MODEL, 8)
        assert (await client.count(DOCUMENTS)).count == 1


@pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant")
class TestHeadSummaries:
    async def test_come_whole_from_all_pages_of_a_scroll(self, client: AsyncQdrantClient) -> None:
        await ensure_collections(client, _MODEL, 8)
        heads = [_head("ada", page) for page in range(1003)] + [_head("bob", 1)]
        await _store(client, heads)
        found = [head async for head in head_summaries(client)]
        assert sorted(head.document_id for head in found) == sorted(head.document_id for head in heads)
        assert {head.document_id: head for head in found} == {head.document_id: head for head in heads}

    async def test_of_one_author_are_that_authors(self, client: AsyncQdrantClient) -> None:
        await ensure_collections(client, _MODEL, 8)
        await _store(client, [_head("ada", 1), _head("ada", 2), _head("bob", 1)])
        found = [head async for head in head_summaries(client, AuthorId("ada"))]
        assert {head.document_id for head in found} == {
            _head("ada", 1).document_id,
            _head("ada", 2).document_id,
        }

    async def test_of_an_empty_index_are_none(self, client: AsyncQdrantClient) -> None:
        await ensure_collections(client, _MODEL, 8)
        assert [head async for head in head_summaries(client)] == []


class TestSettings:
    def test_never_show_the_key(self) -> None:
        settings = VectorIndexSettings.model_validate({"url": "http://127.0.0.1:6333", "api_key": "hunter2"})
        assert "hunter2" not in f"{settings!r} {settings.model_dump_json()}"
