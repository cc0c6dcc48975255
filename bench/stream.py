"""The feature stream in a process of its own among fresh servers, and a driver that feeds it."""

import asyncio
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from confluent_kafka import Consumer, TopicPartition

from twin_common.embedding import Embedder
from twin_common.events import Message
from twin_common.kafka_settings import KafkaSettings
from twin_common.topics import DOCUMENTS_INDEXED
from twin_feature_stream.app import Configuration, serve
from twin_feature_stream.message_sink import ConfirmedPublisher
from twin_feature_stream.readiness import StopSignal
from twin_local.ports import free_port
from twin_local.servers import mongodb

_HOST = "127.0.0.1"
_START_SECONDS = 120
_PATIENCE_SECONDS = 600
STAGES = ("prepare", "deduplicate", "embed", "index", "remove")


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
async def running_stream(embedder: Embedder | None) -> AsyncIterator[psutil.Process]:
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


def cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


@dataclass(frozen=True)
class Counters:
    """What the service counted so far."""

    tokens: int
    stages: dict[str, float]


def counters() -> Counters:
    values = {}
    for line in _get("/metrics").splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            values[name] = float(value)
    sums = "twin_feature_stream_stage_seconds_sum"
    return Counters(
        int(values["twin_feature_stream_tokens_total"]),
        {stage: values.get(f'{sums}{{stage="{stage}"}}', 0.0) for stage in STAGES},
    )


class Driver:
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
        """Seconds from publishing the first to the announcement of the last; what is no event has none."""
        began = time.perf_counter()
        self._publisher.publish(messages)
        waiting = {message.key for message in messages if message.value and len(message.value) > 1}
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
