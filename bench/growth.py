"""How cost and memory grow with the index: many small documents, one event in a hundred poisoned.

The encoder costs nothing here. Cost is processor time, of the service alone and of all processes (service,
Kafka, vector server, warehouse), which other work on the machine does not disturb as it does the clock.
The exponent is the slope of a line through the logarithms of chunks and cost: 1 is linear growth.
"""

import argparse
import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import numpy as np
import psutil
from confluent_kafka import Consumer, TopicPartition
from corpus import AUTHOR
from results import write_result
from stream import Driver, cpu_seconds, running_stream

from twin_common.clock import utc_now
from twin_common.documents import Category, DocumentDraft, RawDocument
from twin_common.events import DocumentUpserted, Message, encode
from twin_common.kafka_settings import KafkaSettings
from twin_common.testing.embedding import NullEmbedder
from twin_common.topics import DOCUMENT_CHANGES_DEAD
from twin_common.vector_index import CHUNKS, DOCUMENTS, VectorIndexSettings, connect

_GROUP = 500
_WORDS_A_DOCUMENT = 12
_POISON_EVERY = 100
_CHECKPOINTS = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000)


@dataclass(frozen=True)
class _Point:
    """What it took to come so far."""

    chunks: int
    seconds: float
    service_cpu_seconds: float
    all_cpu_seconds: float


def _events(count: int) -> Iterator[Message]:
    """Documents of one chunk each, and poison among them."""
    random = Random(1)
    words = [f"{random.getrandbits(32):x}" for _ in range(20_000)]
    for number in range(count):
        draft = DocumentDraft.at(
            AUTHOR,
            f"https://bench.example/{number}",
            category=Category.POST,
            text=" ".join(random.choices(words, k=_WORDS_A_DOCUMENT)),
        )
        document = RawDocument(
            **draft.model_dump(), content_hash=draft.hash_content(), version=1, stored_at=utc_now()
        )
        event = DocumentUpserted(
            document_id=document.document_id, category=document.category, version=1, document=document
        )
        message = encode(event, "bench")
        if number % _POISON_EVERY == 0:
            yield Message(message.topic, b"poison", b"{", message.headers)
        yield message


def _dead_letters() -> int:
    consumer = Consumer(KafkaSettings().librdkafka() | {"group.id": "bench"})
    _, high = consumer.get_watermark_offsets(TopicPartition(DOCUMENT_CHANGES_DEAD.name, 0), timeout=10)
    consumer.close()
    return int(high)


def _processes() -> float:
    return sum(cpu_seconds(child) for child in psutil.Process().children(recursive=True))


async def _measure(chunks: int) -> dict[str, float]:
    async with running_stream(NullEmbedder()) as service:
        driver = Driver()
        await asyncio.to_thread(driver.run, list(_events(50)))
        points: list[_Point] = []
        sizes: list[int] = []
        own, everything, seconds, done = cpu_seconds(service), _processes(), 0.0, 0
        poison = 1
        group: list[Message] = []
        for message in _events(chunks):
            group.append(message)
            if len(group) < _GROUP:
                continue
            good = [entry for entry in group if entry.key != b"poison"]
            poison += len(group) - len(good)
            seconds += await asyncio.to_thread(driver.run, group)
            done, group = done + len(good), []
            sizes.append(service.memory_info().rss)
            if len(points) < len(_CHECKPOINTS) and done >= _CHECKPOINTS[len(points)] * 0.97:
                points.append(_Point(done, seconds, cpu_seconds(service) - own, _processes() - everything))
                print(time.strftime("%H:%M:%S"), points[-1], flush=True)
        client = connect(VectorIndexSettings())
        stored = (await client.count(CHUNKS, exact=True)).count
        heads = (await client.count(DOCUMENTS, exact=True)).count
        await client.close()
        driver.close()
        letters = _dead_letters()
    settled = sizes[len(sizes) // 5 :]
    return {
        "chunks": stored,
        "lost_documents": done - heads,
        "poisoned_events": poison,
        "dead_letters": letters,
        "chunks_per_second": points[-1].chunks / points[-1].seconds,
        "service_cpu_ms_a_chunk": 1000 * points[-1].service_cpu_seconds / points[-1].chunks,
        "all_cpu_ms_a_chunk": 1000 * points[-1].all_cpu_seconds / points[-1].chunks,
        "exponent_of_service_cpu": _exponent(points, "service_cpu_seconds"),
        "exponent_of_all_cpu": _exponent(points, "all_cpu_seconds"),
        "memory_peak_megabytes": max(sizes) / 1e6,
        # From the first fifth on: before it, pools and arenas fill.
        "memory_growth_megabytes": (settled[-1] - settled[0]) / 1e6,
    }


def _exponent(points: list[_Point], cost: str) -> float:
    chunks = np.log([point.chunks for point in points])
    return float(np.polyfit(chunks, np.log([getattr(point, cost) for point in points]), 1)[0])


def main() -> None:
    """Measure, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=10_000, help="100000 for the long run")
    write_result("growth", asyncio.run(_measure(parser.parse_args().chunks)))


if __name__ == "__main__":
    main()
