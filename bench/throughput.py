"""How much of the encoder's speed the feature stream delivers, over the same chunks in the same run.

The stream is the real service in a process of its own, between a real warehouse, Kafka and vector server.
The bare encoder gets the texts that the stream really encoded (equal chunks share a vector), a group in one
call. Stream and encoder take turns, group by group, and the median of the groups counts: other work on the
machine comes and goes.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psutil
from corpus import articles_file
from qdrant_client import AsyncQdrantClient
from results import write_result
from stream import STAGES, Driver, counters, cpu_seconds, running_stream

from twin_common.documents import Category, DocumentDraft, RawDocument
from twin_common.embedding import Embedder, EmbeddingSettings, load_embedder
from twin_common.events import DocumentDeleted, DocumentUpserted, Message, encode
from twin_common.identity import parse_author_id
from twin_common.testing.embedding import NullEmbedder
from twin_common.vector_index import CHUNKS, VectorIndexSettings, connect
from twin_common.warehouse import Warehouse, WarehouseSettings

_AUTHORS = tuple(parse_author_id(f"bench-{number}") for number in range(3))


@dataclass
class _Totals:
    """Seconds and what was done in them."""

    stream_seconds: float = 0.0
    encoder_seconds: float = 0.0
    stream_cpu_seconds: float = 0.0
    encoder_cpu_seconds: float = 0.0
    tokens: int = 0
    chunks: int = 0
    ratios: list[float] = field(default_factory=list)
    """Of each group, the encoder's seconds to the stream's."""
    stages: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))


def _drafts(file: Path) -> list[DocumentDraft]:
    rows = [json.loads(line) for line in file.read_text().splitlines() if line.strip()]
    return [
        DocumentDraft.at(
            _AUTHORS[number % len(_AUTHORS)],
            row.get("url") or row["link"],
            category=Category(row.get("category", "article")),
            title=row.get("title") or "",
            text=row["text"],
        )
        for number, row in enumerate(rows)
    ]


def _upserts(documents: Sequence[RawDocument]) -> list[Message]:
    return [
        encode(
            DocumentUpserted(
                document_id=document.document_id, category=document.category, version=document.version
            ),
            "bench",
        )
        for document in documents
    ]


def _deletions(documents: Sequence[RawDocument]) -> list[Message]:
    return [encode(DocumentDeleted(document_id=document.document_id), "bench") for document in documents]


async def _chunks(client: AsyncQdrantClient, documents: int) -> tuple[int, dict[str, int]]:
    """How many chunks the index holds, and the different texts among them with their tokens."""
    fields = ["text", "token_count", "document_id"]
    points, _ = await client.scroll(CHUNKS, limit=100_000, with_payload=fields)
    payloads = [point.payload or {} for point in points]
    found = len({payload["document_id"] for payload in payloads})
    if found != documents:
        raise RuntimeError(f"the index holds {found} documents instead of {documents}")
    return len(payloads), {payload["text"]: payload["token_count"] for payload in payloads}


async def _measure(
    drafts: Sequence[DocumentDraft],
    service: psutil.Process,
    encoder: Embedder | None,
    group_count: int,
    rounds: int,
) -> _Totals:
    """Index every group `rounds` times, each time from nothing, and encode its chunks with `encoder`."""
    async with Warehouse(WarehouseSettings()) as warehouse:  # only now: the stream found nothing to mend
        await warehouse.documents.put_many(drafts)
        documents = [document for author in _AUTHORS async for document in warehouse.documents.all(author)]
    groups = [documents[start::group_count] for start in range(group_count)]
    totals = _Totals()
    client, driver = connect(VectorIndexSettings()), Driver()
    await asyncio.to_thread(driver.run, _upserts(groups[0][:4]))  # warms every connection
    await asyncio.to_thread(driver.run, _deletions(groups[0][:4]))
    for _ in range(rounds):
        for group in groups:
            before = await asyncio.to_thread(counters)
            cpu = cpu_seconds(service)
            stream_seconds = await asyncio.to_thread(driver.run, _upserts(group))
            totals.stream_seconds += stream_seconds
            totals.stream_cpu_seconds += cpu_seconds(service) - cpu
            after = await asyncio.to_thread(counters)
            chunks, texts = await _chunks(client, len(group))
            tokens = after.tokens - before.tokens
            if tokens < sum(texts.values()):
                raise RuntimeError(f"the stream encoded {tokens} tokens of {sum(texts.values())}")
            totals.tokens += tokens
            totals.chunks += chunks
            for stage in STAGES:
                totals.stages[stage] += after.stages[stage] - before.stages[stage]
            if encoder:
                cpu, began = time.process_time(), time.perf_counter()
                encoder.embed(list(texts))
                encoder_seconds = time.perf_counter() - began
                totals.encoder_seconds += encoder_seconds
                totals.ratios.append(encoder_seconds / stream_seconds)
                totals.encoder_cpu_seconds += time.process_time() - cpu
            await asyncio.to_thread(driver.run, _deletions(group))
    await client.close()
    driver.close()
    return totals


async def _benchmark(file: Path, group_count: int, rounds: int) -> dict[str, float]:
    drafts = _drafts(file)
    encoder = load_embedder(EmbeddingSettings())
    encoder.embed(["warm"] * 32)
    async with running_stream(None) as service:
        real = await _measure(drafts, service, encoder, group_count, rounds)
    async with running_stream(NullEmbedder()) as service:
        null = await _measure(drafts, service, None, group_count=1, rounds=5)
    figures = {
        "documents": len(drafts),
        "chunks": real.chunks / rounds,
        "tokens": real.tokens / rounds,
        "ratio_to_encoder": median(real.ratios),
        "ratio_to_encoder_lowest": min(real.ratios),
        "ratio_to_encoder_highest": max(real.ratios),
        # On a machine that others use too, processor time says more than the clock.
        "cpu_ratio_to_encoder": real.encoder_cpu_seconds / real.stream_cpu_seconds,
        "tokens_per_second": real.tokens / real.stream_seconds,
        "encoder_tokens_per_second": real.tokens / real.encoder_seconds,
        "chunks_per_second": real.chunks / real.stream_seconds,
        "null_encoder_chunks_per_second": null.chunks / null.stream_seconds,
    }
    for stage in STAGES[:4]:
        figures[f"{stage}_share"] = real.stages[stage] / real.stream_seconds
        figures[f"null_{stage}_share"] = null.stages[stage] / null.stream_seconds
    return figures


def main() -> None:
    """Measure, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=Path, default=articles_file())
    parser.add_argument("--groups", type=int, default=5, help="how finely stream and encoder take turns")
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    write_result(
        "throughput", asyncio.run(_benchmark(arguments.articles, arguments.groups, arguments.rounds))
    )


if __name__ == "__main__":
    main()
