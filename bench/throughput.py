"""How much of the encoder's speed the feature stream delivers, over the same chunks in the same run.

The stream is the real service in a process of its own, between a real warehouse, Kafka and vector server.
The bare encoder gets the texts that the stream really encoded (equal chunks share a vector), a group in one
call. Stream and encoder take turns, group by group, and the median of the groups counts: other work on the
machine comes and goes.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psutil
from confluent_kafka import Consumer, TopicPartition
from corpus import AUTHOR, articles_file
from qdrant_client import AsyncQdrantClient
from results import write_result

from twin_common.documents import Category, DocumentDraft, RawDocument
from twin_common.embedding import Embedder, EmbeddingSettings, load_embedder
from twin_common.events import DocumentDeleted, DocumentUpserted, Message, encode
from twin_common.kafka_settings import KafkaSettings
from twin_common.testing.embedding import NullEmbedder
from twin_common.topics import DOCUMENTS_INDEXED
from twin_common.vector_index import CHUNKS, VectorIndexSettings, connect
from twin_common.warehouse import Warehouse, WarehouseSettings
from twin_feature_stream.app import Configuration, serve
from twin_feature_stream.message_sink import ConfirmedPublisher
from twin_feature_stream.readiness import StopSignal
from twin_local.ports import free_port
from twin_local.servers import mongodb

_HOST = "127.0.0.1"
_START_SECONDS = 60
_PATIENCE_SECONDS = 600
_STAGES = ("prepare", "embed", "index", "remove")


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
    stages: dict[str, float] = field(default_factory=lambda: dict.fromkeys(_STAGES, 0.0))


def _drafts(file: Path) -> list[DocumentDraft]:
    rows = [json.loads(line) for line in file.read_text().splitlines() if line.strip()]
    return [
        DocumentDraft.at(
            AUTHOR,
            row.get("url") or row["link"],
            category=Category(row.get("category", "article")),
            title=row.get("title") or "",
            text=row["text"],
        )
        for row in rows
    ]


@contextmanager
def _process(command: Sequence[str], log: Path) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


@asynccontextmanager
async def _servers(folder: Path) -> AsyncIterator[None]:
    """Warehouse, Kafka and vector server; the environment says where they are."""
    mongodb_port, vector_port, address = free_port(), free_port(), folder / "kafka"
    module = [sys.executable, "-m"]
    vector = [*module, "twin_local.servers.vector", "--host", _HOST, "--port", str(vector_port)]
    vector += ["--storage-path", str(folder / "vectors")]
    kafka = [*module, "twin_local.servers.kafka", "--address-file", str(address)]
    warehouse = mongodb.command(_HOST, mongodb_port, folder / "warehouse")
    with (
        _process(warehouse, folder / "warehouse.log"),
        _process(kafka, folder / "kafka.log"),
        _process(vector, folder / "vector.log"),
    ):
        deadline = time.monotonic() + _START_SECONDS
        while not address.exists():
            if time.monotonic() > deadline:
                raise TimeoutError("Kafka did not start")
            await asyncio.sleep(0.05)
        os.environ |= {
            "MONGODB_URL": mongodb.url(_HOST, mongodb_port),
            "KAFKA_BOOTSTRAP_SERVERS": address.read_text(),
            "QDRANT_URL": f"http://{_HOST}:{vector_port}",
            "FEATURE_STREAM_RECOVERY_DIR": str(folder / "recovery"),
            "FEATURE_STREAM_HTTP_PORT": str(free_port()),
            "FEATURE_STREAM_RECONCILE_INTERVAL_SECONDS": "86400",
            "LOG_LEVEL": "WARNING",
        }
        yield


def _serve(embedder: Embedder | None) -> None:
    serve(Configuration(), StopSignal(), embedder)


@asynccontextmanager
async def _stream(embedder: Embedder | None) -> AsyncIterator[psutil.Process]:
    """The service in a process of its own among fresh servers, ready for work."""
    with tempfile.TemporaryDirectory(prefix="twin-bench-") as folder:
        async with _servers(Path(folder)), _service(embedder) as service:
            yield service


@asynccontextmanager
async def _service(embedder: Embedder | None) -> AsyncIterator[psutil.Process]:
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(embedder,))
    process.start()
    try:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                await asyncio.to_thread(_get, "/readyz")
                break
            except OSError:
                if time.monotonic() > deadline or not process.is_alive():
                    raise
                await asyncio.sleep(0.1)
        await asyncio.sleep(2)  # the client libraries settle
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.join(30)


def _get(path: str) -> str:
    url = f"http://{_HOST}:{os.environ['FEATURE_STREAM_HTTP_PORT']}{path}"
    with urllib.request.urlopen(url, timeout=5) as answer:
        return str(answer.read().decode())


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


@dataclass(frozen=True)
class _Counters:
    """What the service counted so far."""

    tokens: int
    stages: dict[str, float]


def _counters() -> _Counters:
    values = {}
    for line in _get("/metrics").splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            values[name] = float(value)
    sums = "twin_feature_stream_stage_seconds_sum"
    return _Counters(
        int(values["twin_feature_stream_tokens_total"]),
        {stage: values.get(f'{sums}{{stage="{stage}"}}', 0.0) for stage in _STAGES},
    )


class _Driver:
    """Publishes changes and waits until the stream has announced them."""

    def __init__(self) -> None:
        settings = KafkaSettings()
        self._publisher = ConfirmedPublisher(settings, StopSignal(), 60)
        self._consumer = Consumer(
            settings.librdkafka()
            | {"group.id": "bench", "enable.auto.commit": False, "auto.offset.reset": "error"}
            | {"fetch.wait.max.ms": 20}
        )
        places = []
        for partition in range(DOCUMENTS_INDEXED.partitions):
            place = TopicPartition(DOCUMENTS_INDEXED.name, partition)
            _, high = self._consumer.get_watermark_offsets(place, timeout=10)
            places.append(TopicPartition(DOCUMENTS_INDEXED.name, partition, high))
        self._consumer.assign(places)

    def run(self, messages: Sequence[Message]) -> float:
        """Seconds from publishing the first to the announcement of the last."""
        began = time.perf_counter()
        self._publisher.publish(messages)
        waiting = {message.key for message in messages}
        while waiting:
            for message in self._consumer.consume(100, timeout=0.05):
                if error := message.error():
                    raise RuntimeError(error.str())
                waiting.discard(message.key())
            if time.perf_counter() - began > _PATIENCE_SECONDS:
                raise TimeoutError(f"{len(waiting)} documents were never announced")
        return time.perf_counter() - began

    def close(self) -> None:
        self._consumer.close()


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
        documents = [document async for document in warehouse.documents.all(AUTHOR)]
    groups = [documents[start::group_count] for start in range(group_count)]
    totals = _Totals()
    client, driver = connect(VectorIndexSettings()), _Driver()
    await asyncio.to_thread(driver.run, _upserts(groups[0][:4]))  # warms every connection
    await asyncio.to_thread(driver.run, _deletions(groups[0][:4]))
    for _ in range(rounds):
        for group in groups:
            before = await asyncio.to_thread(_counters)
            cpu = _cpu_seconds(service)
            stream_seconds = await asyncio.to_thread(driver.run, _upserts(group))
            totals.stream_seconds += stream_seconds
            totals.stream_cpu_seconds += _cpu_seconds(service) - cpu
            after = await asyncio.to_thread(_counters)
            chunks, texts = await _chunks(client, len(group))
            tokens = after.tokens - before.tokens
            if tokens < sum(texts.values()):
                raise RuntimeError(f"the stream encoded {tokens} tokens of {sum(texts.values())}")
            totals.tokens += tokens
            totals.chunks += chunks
            for stage in _STAGES:
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
    async with _stream(None) as service:
        real = await _measure(drafts, service, encoder, group_count, rounds)
    async with _stream(NullEmbedder()) as service:
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
    for stage in _STAGES[:3]:
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
