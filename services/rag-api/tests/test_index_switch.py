"""The encoder follows the index: no search fails while it is switched, and none meets foreign vectors."""

import asyncio
from typing import Any

from qdrant_client import models

from twin_common.identity import point_id
from twin_common.index_builds import Role, assign, discard, roll_back, switch
from twin_common.testing.embedding import HashingEmbedder
from twin_common.vector_index import BM25, DENSE, PIPELINE_VERSION, Collections, create_collections

from .conftest import SPARSE, Api, chunk, put_chunks


async def build(api: Api, model: str, backend: str = "hashing") -> Collections:
    """A next build that holds one chunk, of another text than the live one."""
    embedder = HashingEmbedder(model_name=model)
    collections = Collections.of_model(model)
    client = api.resources.index
    await create_collections(client, collections, 384, {"backend": backend, "model": model})
    entry = chunk("the tide of the new index")
    [dense], [sparse] = embedder.embed([entry.text]), SPARSE.embed_documents([entry.text])
    vector: Any = {
        DENSE: dense.tolist(),
        BM25: models.SparseVector(indices=sparse.indices, values=sparse.values),
    }
    point = models.PointStruct(
        id=point_id(entry.document_id, 0), vector=vector, payload=entry.model_dump(mode="json")
    )
    await client.upsert(collections.chunks, [point], wait=True)
    await assign(client, {Role.NEXT: collections})
    return collections


async def answer(api: Api) -> tuple[int, str]:
    response = await api.post("/v1/search", {"query": "tide"})
    return response.status_code, response.text


async def until(api: Api, text: str, statuses: set[int]) -> None:
    """Search until the answer holds this text; every status on the way must be one of these."""
    async with asyncio.timeout(60):
        while True:
            status, body = await answer(api)
            assert status in statuses, body
            if text in body:
                return


class TestSwitch:
    async def test_no_search_fails_while_it_is_switched_there_and_back(self, api: Api) -> None:
        await put_chunks(api.resources.index, [chunk("the tide of the old index")])
        await build(api, "second")
        await until(api, "old index", {200})
        await switch(api.resources.index)
        await until(api, "new index", {200})
        await roll_back(api.resources.index)
        await until(api, "old index", {200})

    async def test_an_encoder_that_cannot_be_had_is_named(self, api: Api) -> None:
        await put_chunks(api.resources.index, [chunk("the tide of the old index")])
        await build(api, "second", backend="sentence-transformers")
        await switch(api.resources.index)
        await asyncio.sleep(2)
        await until(api, "old index", {200})
        await discard(api.resources.index, Role.PREVIOUS)
        await until(
            api, f"built with the encoder second__{PIPELINE_VERSION}, which this service cannot load", {503}
        )
        response = await api.post("/v1/search", {"query": "tide"})
        assert response.headers["content-type"] == "application/problem+json"
        assert (await api.http.get("/readyz")).status_code == 503

    async def test_vectors_of_another_length_are_a_sentence_and_no_500(self, api: Api) -> None:
        """An index of an older version says nothing of its encoder."""
        index = api.resources.index
        name = Collections.of_model("hashing").chunks
        await index.delete_collection(name)
        await index.create_collection(
            name,
            vectors_config={DENSE: models.VectorParams(size=8, distance=models.Distance.COSINE)},
            sparse_vectors_config={BM25: models.SparseVectorParams(modifier=models.Modifier.IDF)},
        )
        await assign(index, {Role.LIVE: Collections.of_model("hashing")})
        await until(api, "was built with another encoder", {503})
