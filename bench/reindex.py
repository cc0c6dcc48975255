"""Building the index anew under live writes: 10,000 chunks, readers that search without a pause.

The encoder costs nothing (hashed words), so the figures are those of the machinery: what a model adds is its
own time. Required: 0 failed searches, and both builds equal to the warehouse at the end.
"""

import asyncio
import tempfile
import time
from pathlib import Path

from corpus import percentile
from qdrant_client import AsyncQdrantClient
from results import write_result

from twin_common.authors import Author
from twin_common.documents import Category, DocumentDraft
from twin_common.embedding import EmbeddingSettings
from twin_common.identity import parse_author_id
from twin_common.index_builds import Role
from twin_common.vector_index import connect
from twin_common.warehouse import Warehouse
from twin_feature_stream.reconcile import compare
from twin_local.api import ApiClient
from twin_local.authors import register_author
from twin_local.connection import Connection
from twin_local.errors import PlatformError
from twin_local.home import TwinHome
from twin_local.platform import Platform, PlatformOptions
from twin_local.ports import free_port
from twin_local.reindexing import Reindexing

ADA = parse_author_id("ada")
_CHUNKS = 10_000
_CHUNKS_A_DOCUMENT = 10
_WRITES_A_SECOND = 20
_SEARCHES_A_SECOND = 20
_SECOND = EmbeddingSettings(backend="hashing", model="second")


def _draft(number: int, edition: int = 1) -> DocumentDraft:
    """About ten chunks."""
    sentences = (
        f"Sentence {line} of note {number} in its edition {edition} tells what the harbour saw that day."
        for line in range(21)
    )
    return DocumentDraft.at(
        ADA,
        f"https://ada.example/{number}",
        category=Category.ARTICLE,
        title="Note",
        text=" ".join(sentences),
    )


class _Load:
    """Writes and searches that go on until they are stopped."""

    def __init__(self, connection: Connection, warehouse: Warehouse, documents: int) -> None:
        self._connection = connection
        self._warehouse = warehouse
        self._documents = documents
        self.writes = 0
        self.search_seconds: list[float] = []
        self.failures: list[str] = []

    async def write(self) -> None:
        while True:
            number, edition = self.writes % self._documents, 2 + self.writes // self._documents
            await self._warehouse.documents.put(_draft(number, edition))
            self.writes += 1
            await asyncio.sleep(1 / _WRITES_A_SECOND)

    async def search(self) -> None:
        async with ApiClient(self._connection.api_url, self._connection.key(ADA)) as api:
            while True:
                began = time.perf_counter()
                try:
                    if not await api.search("what the harbour saw", 5):
                        self.failures.append("nothing was found")
                except PlatformError as error:
                    self.failures.append(str(error))
                self.search_seconds.append(time.perf_counter() - began)
                await asyncio.sleep(1 / _SEARCHES_A_SECOND)


async def main() -> None:
    """Measure, and write the result."""
    with tempfile.TemporaryDirectory() as folder:
        options = PlatformOptions(
            TwinHome(Path(folder)), api_port=free_port(), environment={"EMBEDDING_BACKEND": "hashing"}
        )
        async with Platform(options) as platform:
            connection = Connection(options.home, platform.environment)
            await register_author(connection, Author(author_id=ADA, name="Ada"))
            client = connect(connection.vector_index)
            async with Warehouse(connection.warehouse) as warehouse:
                documents = _CHUNKS // _CHUNKS_A_DOCUMENT
                for start in range(0, documents, 100):
                    await warehouse.documents.put_many(
                        [_draft(number) for number in range(start, start + 100)]
                    )
                while await compare(warehouse, client):
                    await asyncio.sleep(1)
                load = _Load(connection, warehouse, documents)
                tasks = [asyncio.create_task(load.write()), asyncio.create_task(load.search())]
                work = Reindexing(client, warehouse)
                began = time.perf_counter()
                await work.begin(_SECOND)
                await work.wait_until_caught_up(lambda sentence: print(f"  {sentence}", flush=True))
                built = time.perf_counter() - began
                sample = await work.sample(EmbeddingSettings(backend="hashing"), 100)
                began = time.perf_counter()
                await work.switch()
                switched = time.perf_counter() - began
                await asyncio.sleep(10)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                differences = [await _settled(warehouse, client, role) for role in (Role.LIVE, Role.PREVIOUS)]
                report = await work.report()
            await client.close()
    write_result(
        "reindex",
        {
            "chunks": report.builds["live"].chunks,
            "build_seconds": built,
            "switch_seconds": switched,
            "searches": len(load.search_seconds),
            "failed_searches": len(load.failures),
            "search_p95_ms": percentile(load.search_seconds, 0.95) * 1000,
            "writes_meanwhile": load.writes,
            "differences_live": differences[0],
            "differences_previous": differences[1],
            "sample_overlap": sample.overlap,
            "sample_recall_old": sample.live_recall,
            "sample_recall_new": sample.next_recall,
        },
    )


async def _settled(warehouse: Warehouse, client: AsyncQdrantClient, role: Role) -> int:
    """What differs once nothing moves any more, or after two minutes."""
    for _ in range(120):
        difference = await compare(warehouse, client, role.aliases)
        if not difference:
            return 0
        await asyncio.sleep(1)
    return sum(difference.counts.values())


if __name__ == "__main__":
    asyncio.run(main())
