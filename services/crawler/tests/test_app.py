"""The service as its own process, with a real Kafka protocol and a real warehouse."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from twin_common import topics
from twin_common.authors import Author
from twin_common.dead_letter import reasons
from twin_common.events import CrawlReported, CrawlRequested, Message, RunStatus, decode, encode
from twin_common.identity import AuthorId
from twin_common.warehouse import Warehouse
from twin_crawler.testing.mock_site import MockSite

pytestmark = pytest.mark.integration


class Service:
    """The crawler under test and what a person can ask of it."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self._port = port

    async def get(self, path: str) -> tuple[int, str]:
        """Status and text of one of its three addresses; 0 while nobody listens."""

        def ask() -> tuple[int, str]:
            try:
                with urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=5) as response:
                    return response.status, response.read().decode()
            except HTTPError as error:
                return error.code, error.read().decode()
            except URLError:
                return 0, ""

        return await asyncio.to_thread(ask)

    async def wait_until_ready(self) -> None:
        await eventually(self._is_ready)

    async def _is_ready(self) -> bool:
        return (await self.get("/readyz"))[0] == 200

    def stop(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.process.wait(10)

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


async def eventually(check: Callable[[], Awaitable[bool]], seconds: float = 120) -> None:
    """Wait until a check holds."""
    async with asyncio.timeout(seconds):
        while not await check():
            await asyncio.sleep(0.1)


@asynccontextmanager
async def running(bootstrap: str, site: MockSite, log: Path, **settings: str) -> AsyncIterator[Service]:
    """The service, started as in production; warehouse settings come from the environment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "CRAWLER_HTTP_PORT": str(port),
        "CRAWLER_TRUSTED_ENDPOINTS": site.endpoint,
        "CRAWLER_DOWNLOAD_DELAY_SECONDS": "0",
        **settings,
    }
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: ASYNC220 -- starting takes no time
            [sys.executable, "-m", "twin_crawler"], env=environment, stdout=output, stderr=output
        )
    service = Service(process, port)
    try:
        yield service
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "crawler.log"


async def send(bootstrap: str, *messages: Message) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for message in messages:
            await producer.send_and_wait(
                message.topic, value=message.value, key=message.key, headers=message.headers
            )


async def read_until(bootstrap: str, topic: str, enough: Callable[[list[Any]], bool]) -> list[Any]:
    """The records of a topic from its beginning until they are enough."""
    records: list[Any] = []
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    async with asyncio.timeout(120), consumer:
        async for record in consumer:
            records.append(record)
            if enough(records):
                return records
    raise AssertionError("unreachable")


def reports_of(records: list[Any], run_id: str) -> list[CrawlReported]:
    decoded = [decode(record.value, record.headers, CrawlReported).event for record in records]
    return [event for event in decoded if isinstance(event, CrawlReported) and event.run_id == run_id]


class TestService:
    async def test_requests_become_runs_and_poison_becomes_dead_letters(
        self, site: MockSite, warehouse: Warehouse, kafka_bootstrap: str, log: Path
    ) -> None:
        site.write_articles(4)
        author = AuthorId("ada")
        await warehouse.authors.put(Author(author_id=author, name="Ada", links=(site.url,)))
        registered = CrawlRequested(author_id=author)
        named = CrawlRequested(author_id=author, links=(f"{site.url}/posts/1", f"{site.url}/nothing"))
        stranger = CrawlRequested(author_id="nobody")
        poison = Message(
            topics.CRAWL_REQUESTS.name,
            b"ada",
            b"\xff{",
            [
                ("ce_specversion", b"1.0"),
                ("ce_type", b"twin.crawl.requested.v1"),
                ("ce_id", b"1"),
                ("ce_source", b"/t"),
                ("x", b"\xfe"),
            ],
        )
        await send(
            kafka_bootstrap, poison, *(encode(event, "test") for event in (registered, named, stranger))
        )
        async with running(kafka_bootstrap, site, log) as service:
            await service.wait_until_ready()
            await eventually(lambda: _has_ended(warehouse, registered, RunStatus.FINISHED))
            await eventually(lambda: _has_ended(warehouse, named, RunStatus.FINISHED))
            await eventually(lambda: _has_ended(warehouse, stranger, RunStatus.FAILED))
            first = await warehouse.crawls.run(author, registered.run_id)
            second = await warehouse.crawls.run(author, named.run_id)
            third = await warehouse.crawls.run(AuthorId("nobody"), stranger.run_id)
            assert first and second and third
            assert (first.status, first.counts.inserted) == (RunStatus.FINISHED, 4)
            assert (second.status, second.counts.unchanged, second.counts.failed) == (
                RunStatus.FINISHED,
                1,
                1,
            )
            assert [error.reason for error in second.errors] == ["http_404"]
            assert (third.status, [error.reason for error in third.errors]) == (
                RunStatus.FAILED,
                ["unknown_author"],
            )
            records = await read_until(
                kafka_bootstrap,
                topics.CRAWL_RUNS.name,
                lambda records: any(
                    report.status is RunStatus.FINISHED for report in reports_of(records, named.run_id)
                ),
            )
            statuses = [report.status for report in reports_of(records, registered.run_id)]
            assert statuses[0] is RunStatus.STARTED
            assert statuses[-1] is RunStatus.FINISHED
            (letter,) = await read_until(kafka_bootstrap, topics.CRAWL_REQUESTS_DEAD.name, bool)
            assert (letter.key, letter.value) == (poison.key, poison.value)
            assert ("x", b"\xfe") in letter.headers
            assert reasons(list(letter.headers))["error_reason"] == "malformed_event"
            status, metrics = await service.get("/metrics")
            assert status == 200
            assert 'twin_crawler_pages_total{outcome="inserted"} 4.0' in metrics
            assert 'twin_crawler_dead_letters_total{reason="malformed_event"} 1.0' in metrics
            assert (await service.get("/livez"))[0] == 200
            assert service.stop(signal.SIGTERM) == 0

    async def test_a_killed_crawl_is_reported_and_the_service_goes_on(
        self, site: MockSite, warehouse: Warehouse, kafka_bootstrap: str, log: Path
    ) -> None:
        site.write_articles(40)
        author = AuthorId("ada")
        slow = CrawlRequested(author_id=author, links=(site.url,))
        async with running(kafka_bootstrap, site, log, CRAWLER_DOWNLOAD_DELAY_SECONDS="0.5") as service:
            await service.wait_until_ready()
            await send(kafka_bootstrap, encode(slow, "test"))

            async def says_one() -> bool:
                report = await warehouse.crawls.run(author, slow.run_id)
                return report is not None and report.counts.inserted >= 1

            await eventually(says_one)
            for child in service.children():
                child.kill()
            await eventually(lambda: _has_ended(warehouse, slow, RunStatus.FAILED))
            report = await warehouse.crawls.run(author, slow.run_id)
            assert report is not None
            assert report.errors[0].reason == "crawl_process_died"
            assert "signal 9" in report.errors[0].detail
            assert report.counts.inserted >= 1
            quick = CrawlRequested(author_id=author, links=(f"{site.url}/posts/39",))
            await send(kafka_bootstrap, encode(quick, "test"))
            await eventually(lambda: _has_ended(warehouse, quick, RunStatus.FINISHED))

    async def test_a_run_cut_off_by_the_services_end_is_run_again(
        self, site: MockSite, warehouse: Warehouse, kafka_bootstrap: str, log: Path
    ) -> None:
        site.write_articles(12)
        author = AuthorId("ada")
        request = CrawlRequested(author_id=author, links=(site.url,))
        async with running(kafka_bootstrap, site, log, CRAWLER_DOWNLOAD_DELAY_SECONDS="1") as service:
            await service.wait_until_ready()
            await send(kafka_bootstrap, encode(request, "test"))
            await eventually(lambda: _is_stored(warehouse, 2))
            children = service.children()
            assert children
            service.stop(signal.SIGKILL)
            await asyncio.to_thread(psutil.wait_procs, children, 10)
            assert not any(child.is_running() for child in children), "no crawl outlives the service"
        async with running(kafka_bootstrap, site, log) as service:
            await eventually(lambda: _is_stored(warehouse, 12))
            await eventually(lambda: _has_ended(warehouse, request, RunStatus.FINISHED))
            versions = {document.version async for document in warehouse.documents.all()}
            assert versions == {1}
            assert service.stop(signal.SIGINT) == 0

    async def test_it_waits_for_kafka_says_so_and_ends_cleanly_meanwhile(
        self, site: MockSite, warehouse: Warehouse, log: Path
    ) -> None:
        async with running("127.0.0.1:1", site, log) as service:

            async def says_kafka() -> bool:
                status, text = await service.get("/readyz")
                return status == 503 and "Kafka at 127.0.0.1:1" in text

            await eventually(says_kafka)
            assert (await service.get("/livez"))[0] == 200
            assert service.stop(signal.SIGTERM) == 0
        lines = [json.loads(line) for line in (await asyncio.to_thread(log.read_text)).splitlines()]
        assert any("Kafka" in line.get("what_for", "") for line in lines)


async def _has_ended(warehouse: Warehouse, request: CrawlRequested, status: RunStatus) -> bool:
    report = await warehouse.crawls.run(request.author_id, request.run_id)
    return report is not None and report.status is status


async def _is_stored(warehouse: Warehouse, count: int) -> bool:
    return len([document async for document in warehouse.documents.versions()]) >= count
