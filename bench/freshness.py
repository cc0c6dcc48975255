"""From a write to its being searchable, one by one, while another author writes 20 posts a second.

200 edits of real articles; 30 texts that shrink to a sixth of their chunks; 50 deletions of real articles.
"""

import asyncio
import random
import time

from corpus import AUTHOR, corpus_platform, percentile
from qdrant_client import AsyncQdrantClient, models
from results import write_result
from steady_author import SteadyAuthor

from twin_common.documents import Category, DocumentDraft, RawDocument
from twin_common.vector_index import CHUNKS, DOCUMENTS, connect
from twin_common.warehouse import Warehouse

_EDITS = 200
_SHRINKS = 30
_DELETIONS = 50
_SECTIONS, _SECTIONS_LEFT = 9, 1
_LONG_CHUNKS = 20
_WRITES_A_SECOND = 20.0
_TEXT = "harbour ferry ice lamp rain oil pilot crew salt wave rope deck chart tide anchor fog"
_WORDS = _TEXT.split()
_POLL_SECONDS = 0.005
_GIVE_UP_SECONDS = 60


def _sections(number: int, count: int) -> DocumentDraft:
    """A text of a few chunks a section, of which no two sections resemble each other."""
    choice = random.Random(number)
    sections = [
        f"## Part {part}\n\n" + " ".join(choice.choices(_WORDS, k=100)) + "." for part in range(count)
    ]
    return DocumentDraft.at(
        AUTHOR, f"https://bench.example/{number}", category=Category.ARTICLE, text="\n\n".join(sections)
    )


class _Watch:
    """Makes one write and measures until the index shows it."""

    def __init__(self, warehouse: Warehouse, client: AsyncQdrantClient) -> None:
        self._warehouse = warehouse
        self._client = client

    async def edit(self, document: RawDocument, number: int) -> float:
        paragraphs = document.text.split("\n\n")
        paragraphs[number % len(paragraphs)] += f" Remark number {number}, added while looking at the clock."
        return await self.put(document.model_copy(update={"text": "\n\n".join(paragraphs)}))

    async def put(self, draft: DocumentDraft) -> float:
        began = time.perf_counter()
        outcome = await self._warehouse.documents.put(draft)
        await self._wait_for(draft.document_id, outcome.version)
        return time.perf_counter() - began

    async def delete(self, document: RawDocument) -> float:
        began = time.perf_counter()
        await self._warehouse.documents.delete(document.document_id, document.category)
        await self._wait_for(document.document_id, None)
        return time.perf_counter() - began

    async def chunks(self, draft: DocumentDraft) -> int:
        own = models.FieldCondition(key="document_id", match=models.MatchValue(value=draft.document_id))
        return (await self._client.count(CHUNKS, models.Filter(must=[own]), exact=True)).count

    async def shrink(self, number: int) -> float:
        """From twenty chunks and more to a few; none of the others is left.

        Raises:
            AssertionError: the text was not that long, or chunks of its older version are left.
        """
        long, short = _sections(number, _SECTIONS), _sections(number, _SECTIONS_LEFT)
        await self.put(long)
        before = await self.chunks(long)
        assert before >= _LONG_CHUNKS, f"{before} chunks"
        seconds = await self.put(short)
        left = await self.chunks(short)
        assert left <= before / 6, f"{left} of {before} chunks are left"
        return seconds

    async def _wait_for(self, document_id: str, version: int | None) -> None:
        began = time.perf_counter()
        while await self._version(document_id) != version:
            if time.perf_counter() - began > _GIVE_UP_SECONDS:
                raise TimeoutError(f"{document_id} did not become version {version}")
            await asyncio.sleep(_POLL_SECONDS)

    async def _version(self, document_id: str) -> int | None:
        """The version that can be searched; the head is written, and deleted, after all of its chunks."""
        points = await self._client.retrieve(DOCUMENTS, [document_id], with_payload=["version"])
        return int((points[0].payload or {})["version"]) if points else None


async def main() -> None:
    """Measure, and write the result."""
    async with corpus_platform() as corpus, Warehouse(corpus.connection.warehouse) as warehouse:
        client = connect(corpus.connection.vector_index)
        watch = _Watch(warehouse, client)
        documents = [document async for document in warehouse.documents.all(AUTHOR)]
        author = SteadyAuthor(warehouse, _WRITES_A_SECOND)
        async with author.writing():
            edits = [await watch.edit(documents[number % len(documents)], number) for number in range(_EDITS)]
            shrinks = [await watch.shrink(number) for number in range(_SHRINKS)]
            deletions = [await watch.delete(document) for document in documents[:_DELETIONS]]
            rate = author.rate
        await client.close()
    figures: dict[str, float] = {"documents": corpus.documents, "other_writes_per_second": rate}
    for name, values in (("upsert", edits), ("shrink", shrinks), ("delete", deletions)):
        for share in (50, 95, 99):
            figures[f"{name}_p{share}_seconds"] = percentile(values, share / 100)
    write_result("freshness", figures)


if __name__ == "__main__":
    asyncio.run(main())
