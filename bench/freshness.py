"""From a write to its being searchable: 200 edits and 50 deletions, one by one, on an idle platform."""

import asyncio
import time

from corpus import AUTHOR, corpus_platform, percentile
from qdrant_client import AsyncQdrantClient
from results import write_result

from twin_common.documents import RawDocument
from twin_common.vector_index import DOCUMENTS, connect
from twin_common.warehouse import Warehouse

_EDITS = 200
_DELETIONS = 50
_POLL_SECONDS = 0.005
_GIVE_UP_SECONDS = 60


async def _version(client: AsyncQdrantClient, document_id: str) -> int | None:
    """The version that can be searched; the head is written after all of its chunks."""
    points = await client.retrieve(DOCUMENTS, [document_id], with_payload=["version"])
    return int((points[0].payload or {})["version"]) if points else None


async def _wait_for(client: AsyncQdrantClient, document_id: str, version: int | None) -> float:
    began = time.perf_counter()
    while await _version(client, document_id) != version:
        if time.perf_counter() - began > _GIVE_UP_SECONDS:
            raise TimeoutError(f"{document_id} did not become version {version}")
        await asyncio.sleep(_POLL_SECONDS)
    return time.perf_counter() - began


async def _edit(warehouse: Warehouse, client: AsyncQdrantClient, document: RawDocument, number: int) -> float:
    paragraphs = document.text.split("\n\n")
    paragraphs[number % len(paragraphs)] += f" Remark number {number}, added while looking at the clock."
    began = time.perf_counter()
    outcome = await warehouse.documents.put(document.model_copy(update={"text": "\n\n".join(paragraphs)}))
    await _wait_for(client, document.document_id, outcome.version)
    return time.perf_counter() - began


async def _delete(warehouse: Warehouse, client: AsyncQdrantClient, document: RawDocument) -> float:
    began = time.perf_counter()
    await warehouse.documents.delete(document.document_id, document.category)
    await _wait_for(client, document.document_id, None)
    return time.perf_counter() - began


async def main() -> None:
    """Measure, and write the result."""
    async with corpus_platform() as corpus:
        client = connect(corpus.connection.vector_index)
        async with Warehouse(corpus.connection.warehouse) as warehouse:
            documents = [document async for document in warehouse.documents.all(AUTHOR)]
            edits = [
                await _edit(warehouse, client, documents[number % len(documents)], number)
                for number in range(_EDITS)
            ]
            deletions = [await _delete(warehouse, client, document) for document in documents[:_DELETIONS]]
        await client.close()
    figures: dict[str, float] = {"documents": corpus.documents}
    for name, values in (("upsert", edits), ("delete", deletions)):
        for share in (50, 95, 99):
            figures[f"{name}_p{share}_seconds"] = percentile(values, share / 100)
    write_result("freshness", figures)


if __name__ == "__main__":
    asyncio.run(main())
