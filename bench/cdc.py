"""How many documents a second cdc carries, in the back-fill and from the stream, and how far it is behind.

The service is a process of its own between a real warehouse and Kafka: that of TEST_KAFKA_BOOTSTRAP, with its
topics created, else the local bus. The stream's rate is that of catching up with what was written while the
service was stopped, so that the speed of writing does not limit it.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psutil
from confluent_kafka import Consumer
from corpus import AUTHOR, percentile
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from results import write_result

from twin_common.documents import Category, DocumentDraft
from twin_common.events import DocumentUpserted, decode
from twin_common.topics import DOCUMENT_CHANGES
from twin_common.warehouse import Warehouse, WarehouseSettings
from twin_local.ports import free_port
from twin_local.servers import mongodb

_HOST = "127.0.0.1"
_PATIENCE_SECONDS = 600
_TEXT = "The ferry log keeps every reading until the shore confirms it. " * 60
"""About 4 KB, as an article of 600 words."""
_LIVE_WRITES_A_SECOND = 20
_LIVE_SECONDS = 20


class Service:
    """cdc as a process, asked through its metrics."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._port = free_port()
        environment = os.environ | environment | {"CDC_HTTP_PORT": str(self._port)}
        command = [sys.executable, "-m", "twin_cdc"]
        self._process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def cpu_seconds(self) -> float:
        return sum(psutil.Process(self._process.pid).cpu_times()[:2])

    async def until_published(self, documents: int) -> tuple[float, float]:
        """Wait for that many; documents a second since the first was seen, CPU seconds for 1,000."""
        first: tuple[float, float, float] | None = None
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            published = await asyncio.to_thread(self._published)
            now = (time.perf_counter(), published, self.cpu_seconds())
            if published and first is None:
                first = now
            if first is not None and now[1] > first[1] and published >= documents:
                seconds, done, cpu = (end - start for end, start in zip(now, first, strict=True))
                return done / seconds, cpu / done * 1000
            await asyncio.sleep(0.05)
        raise TimeoutError(f"cdc did not publish {documents} documents in {_PATIENCE_SECONDS} s")

    def _published(self) -> float:
        try:
            with urllib.request.urlopen(f"http://{_HOST}:{self._port}/metrics", timeout=5) as answer:
                families = text_string_to_metric_families(answer.read().decode())
        except OSError:
            return 0.0
        return sum(
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == "twin_cdc_events_total"
        )

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(60)


def _drafts(start: int, count: int) -> list[DocumentDraft]:
    return [
        DocumentDraft.at(
            AUTHOR,
            f"https://bench.example/{n}",
            category=Category.ARTICLE,
            title=f"T{n}",
            text=f"{n} {_TEXT}",
        )
        for n in range(start, start + count)
    ]


async def _write(warehouse: Warehouse, start: int, count: int) -> None:
    for offset in range(0, count, 500):
        await warehouse.documents.put_many(_drafts(start + offset, min(500, count - offset)))


async def _live_lags(warehouse: Warehouse, bootstrap: str, start: int) -> list[float]:
    """Seconds from the write of a document to its arrival at a reader, at a steady rate of writes."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": uuid4().hex,
            "auto.offset.reset": "latest",
            "log_level": 0,
        }
    )
    consumer.subscribe([DOCUMENT_CHANGES.name])
    while not consumer.assignment():
        await asyncio.to_thread(consumer.poll, 0.1)
    total = _LIVE_WRITES_A_SECOND * _LIVE_SECONDS
    lags: list[float] = []
    written = asyncio.Event()

    def read() -> None:
        while True:
            record = consumer.poll(2)
            if record is None or record.error() is not None:
                if written.is_set():
                    return
                continue
            arrived = datetime.now(UTC)
            event = decode(record.value() or b"", dict(record.headers() or []), DocumentUpserted).event  # type: ignore[arg-type]
            if isinstance(event, DocumentUpserted) and event.document is not None:
                lags.append((arrived - event.document.stored_at).total_seconds())

    reading = asyncio.create_task(asyncio.to_thread(read))
    began = time.monotonic()
    for number, draft in enumerate(_drafts(start, total)):
        await asyncio.sleep(max(0.0, began + number / _LIVE_WRITES_A_SECOND - time.monotonic()))
        await warehouse.documents.put(draft)
    written.set()
    await asyncio.wait_for(reading, _PATIENCE_SECONDS)
    consumer.close()
    return lags


@contextmanager
def _kafka(folder: Path) -> Iterator[str]:
    if given := os.environ.get("TEST_KAFKA_BOOTSTRAP"):
        yield given
        return
    address = folder / "kafka"
    process = subprocess.Popen(
        [sys.executable, "-m", "twin_local.servers.kafka", "--address-file", str(address)]
    )
    while not address.exists():
        time.sleep(0.05)
    yield address.read_text()
    process.terminate()
    process.wait()


@contextmanager
def _warehouse_server(folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    port = free_port()
    process = subprocess.Popen(
        mongodb.command(_HOST, port, folder / "data"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    yield mongodb.url(_HOST, port), psutil.Process(process.pid)
    process.kill()
    process.wait()


async def main(documents: int) -> None:
    """Measure, and write the result."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="twin-bench-")))
        bootstrap = stack.enter_context(_kafka(folder))
        url, server = stack.enter_context(_warehouse_server(folder))
        environment = {"MONGODB_URL": url, "KAFKA_BOOTSTRAP_SERVERS": bootstrap}
        async with Warehouse(WarehouseSettings(url=SecretStr(url))) as warehouse:
            await warehouse.wait_until_ready(0.2)
            await _write(warehouse, 0, documents)
            service = Service(environment)
            before = sum(server.cpu_times()[:2])
            back_fill, back_fill_cpu = await service.until_published(documents)
            back_fill_server = sum(server.cpu_times()[:2]) - before
            service.stop()

            await _write(warehouse, documents, documents)
            service = Service(environment)
            before = sum(server.cpu_times()[:2])
            stream, stream_cpu = await service.until_published(documents)
            stream_server = sum(server.cpu_times()[:2]) - before

            lags = await _live_lags(warehouse, bootstrap, 2 * documents)
            service.stop()
    thousands = documents / 1000
    write_result(
        "cdc",
        {
            "documents": documents,
            "back_fill_documents_per_second": back_fill,
            "back_fill_cpu_seconds_per_1000_documents": back_fill_cpu,
            "back_fill_warehouse_cpu_seconds_per_1000_documents": back_fill_server / thousands,
            "stream_documents_per_second": stream,
            "stream_cpu_seconds_per_1000_documents": stream_cpu,
            "stream_warehouse_cpu_seconds_per_1000_documents": stream_server / thousands,
            "live_writes_per_second": _LIVE_WRITES_A_SECOND,
            "lag_p50_seconds": percentile(lags, 0.50),
            "lag_p95_seconds": percentile(lags, 0.95),
            "lag_p99_seconds": percentile(lags, 0.99),
            "load_average_1_minute": os.getloadavg()[0],
        },
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=5000, help="several batches of 500")
    asyncio.run(main(parser.parse_args().documents))
