"""From a link to a cited answer on Apache Kafka, and what happens beside the path."""

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from tests.integration.comparison import differences
from tests.integration.conftest import platform_on
from twin_common.authors import Author
from twin_common.dead_letter import reasons
from twin_common.documents import Category, DocumentDraft, StageTimes
from twin_common.events import CrawlRequested, DocumentIndexed, Message, RunStatus, decode, encode
from twin_common.identity import parse_author_id
from twin_common.kafka_settings import KafkaSettings
from twin_common.topics import DOCUMENT_CHANGES, DOCUMENT_CHANGES_DEAD, DOCUMENTS_INDEXED, Topic
from twin_common.vector_index import connect
from twin_common.warehouse import Warehouse
from twin_crawler.testing.mock_site import MockSite, article, serve
from twin_local.api import ApiClient
from twin_local.authors import register_author
from twin_local.connection import Connection
from twin_local.crawls import follow_run
from twin_local.home import TwinHome
from twin_local.platform import Platform, PlatformOptions
from twin_local.ports import LOOPBACK, free_port
from twin_local.status import platform_status

ADA = parse_author_id("ada")
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"


async def read(kafka: KafkaSettings, topic: Topic, enough: Callable[[list[Message]], bool]) -> list[Message]:
    """The records of a topic from its beginning until they are enough."""
    found: list[Message] = []
    consumer = AIOKafkaConsumer(topic.name, **kafka.aiokafka(), auto_offset_reset="earliest")
    async with asyncio.timeout(60), consumer:
        while not enough(found):
            record = await consumer.getone()
            found.append(Message(record.topic, record.key, record.value, list(record.headers)))
    return found


async def until_idle(connection: Connection, documents: int) -> None:
    """Wait until so many documents are there and none is pending."""
    async with asyncio.timeout(120):
        while True:
            counts = (await platform_status(connection)).counts
            if counts["total"] >= documents and not counts["pending"]:
                return
            await asyncio.sleep(0.2)


class TestOnApacheKafka:
    async def test_from_a_link_to_a_cited_answer(self, apache_kafka: str, tmp_path: Path) -> None:
        kafka = KafkaSettings(bootstrap_servers=apache_kafka)
        with serve(MockSite()) as site:
            site.pages["/posts/beacon"] = article("The beacon", "The beacon turns once every nine seconds.")
            site.pages["/posts/harbour"] = article("The harbour", "The harbour closes when ice is reported.")
            site.list_in_sitemap(["/posts/beacon", "/posts/harbour"])
            environment = {
                "CRAWLER_TRUSTED_ENDPOINTS": site.endpoint,
                "CRAWLER_DOWNLOAD_DELAY_SECONDS": "0",
            }
            async with platform_on(apache_kafka, tmp_path / "home", **environment) as platform:
                connection = Connection(TwinHome(tmp_path / "home"), platform.environment)
                await register_author(connection, Author(author_id=ADA, name="Ada", links=(site.url,)))
                command = CrawlRequested(author_id=ADA)
                message = encode(command, "test", traceparent=f"00-{TRACE_ID}-00f067aa0ba902b7-01")
                poison = Message(DOCUMENT_CHANGES.name, b"k", b"{not json", [("x", b"\xfe")])
                async with (
                    AIOKafkaProducer(**kafka.aiokafka_producer()) as producer,
                    Warehouse(connection.warehouse) as warehouse,
                ):
                    for sent in (poison, message):
                        await producer.send_and_wait(
                            sent.topic, sent.value, key=sent.key, headers=sent.headers
                        )
                    report = await follow_run(warehouse, ADA, command.run_id, lambda _: None)
                    assert (report.status, report.counts.inserted) == (RunStatus.FINISHED, 2), report.errors
                    await until_idle(connection, 2)
                    client = connect(connection.vector_index)
                    assert await differences(warehouse, client) == []
                    await client.close()
                await self._check_answer(connection)
                indexed = await read(kafka, DOCUMENTS_INDEXED, lambda found: len(found) >= 2)
                for record in indexed:
                    self._check_stages(record)
                [letter] = await read(kafka, DOCUMENT_CHANGES_DEAD, bool)
                assert (letter.key, letter.value) == (poison.key, poison.value)
                assert ("x", b"\xfe") in letter.headers
                assert reasons(letter.headers)["original_topic"] == DOCUMENT_CHANGES.name

    @staticmethod
    async def _check_answer(connection: Connection) -> None:
        question = "How long does one turn of the beacon take?"
        async with ApiClient(connection.api_url, connection.key(ADA)) as api:
            pieces = [piece async for piece in api.answer(question)]
            [first, *_] = await api.search(question, 5)
        assert first["url"].endswith("/posts/beacon")
        text = "".join(piece for piece in pieces if isinstance(piece, str))
        cited = {
            citation.number: citation for piece in pieces if isinstance(piece, list) for citation in piece
        }
        numbers = {int(number) for number in re.findall(r"\[(\d+)\]", text)}
        assert "nine seconds" in text
        assert numbers
        assert numbers == set(cited)
        assert any(citation.url.endswith("/posts/beacon") for citation in cited.values())

    @staticmethod
    def _check_stages(record: Message) -> None:
        assert record.value is not None
        envelope = decode(record.value, record.headers, DocumentIndexed)
        assert isinstance(envelope.event, DocumentIndexed)
        times = [getattr(envelope.event.stages, name) for name in StageTimes.model_fields]
        assert None not in times
        assert times == sorted(times)
        assert envelope.traceparent is not None
        assert envelope.traceparent.split("-")[1] == TRACE_ID


class TestServersThatAreAway:
    async def test_the_vector_store_may_come_later(self, apache_kafka: str, tmp_path: Path) -> None:
        port = free_port()
        environment = {"QDRANT_URL": f"http://{LOOPBACK}:{port}"}
        command = [sys.executable, "-m", "twin_local.servers.vector", "--host", LOOPBACK]
        command += ["--port", str(port), "--storage-path", str(tmp_path / "vector")]
        starting = asyncio.create_task(self._start(apache_kafka, tmp_path / "home", environment))
        log = tmp_path / "home/logs/feature-stream.log"
        async with asyncio.timeout(60):
            while not (log.exists() and "vector store" in log.read_text()):  # a test
                await asyncio.sleep(0.2)
        assert not starting.done()
        vector = await asyncio.create_subprocess_exec(*command)
        try:
            platform = await asyncio.wait_for(starting, 90)
            await platform.__aexit__()
        finally:
            vector.terminate()
            await vector.wait()

    @staticmethod
    async def _start(kafka: str, home: Path, environment: dict[str, str]) -> Platform:
        environment = {"KAFKA_BOOTSTRAP_SERVERS": kafka, **environment}
        options = PlatformOptions(TwinHome(home), api_port=free_port(), environment=environment)
        return await Platform(options).__aenter__()


class TestLocalBus:
    async def test_the_platform_recovers_from_the_loss_of_its_bus(self, tmp_path: Path) -> None:
        home = TwinHome(tmp_path)
        async with Platform(PlatformOptions(home, api_port=free_port())) as platform:
            connection = Connection(home, platform.environment)
            async with Warehouse(connection.warehouse) as warehouse:
                await warehouse.documents.put(draft(1))
                await until_idle(connection, 1)
                killed = platform.processes["kafka"].pid
                assert killed is not None
                os.kill(killed, signal.SIGKILL)
                await warehouse.documents.put_many([draft(number) for number in range(2, 30)])
                await until_idle(connection, 29)
            record = home.record()
            assert record is not None
            assert record.environment["KAFKA_BOOTSTRAP_SERVERS"]
            assert json.dumps(record.environment) == json.dumps(platform.environment)
            with contextlib.suppress(ProcessLookupError):
                os.kill(killed, 0)
                raise AssertionError("the old bus is still there")


def draft(number: int) -> DocumentDraft:
    return DocumentDraft.at(
        ADA, f"https://ada.example/{number}", category=Category.POST, text=f"Post number {number}."
    )
