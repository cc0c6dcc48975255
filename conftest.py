"""Servers for the tests of every package: real ones where the environment names them, else small ones."""

import asyncio
import faulthandler
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import hypothesis
import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key

from twin_common.warehouse import Warehouse, WarehouseSettings
from twin_local.ports import free_port

# Two shared cores make single examples slow at times, which says nothing about the code.
hypothesis.settings.register_profile("twin", deadline=None)
hypothesis.settings.load_profile("twin")

_START_SECONDS = 30
_TEARDOWN_SECONDS = 180


@pytest.fixture(scope="session")
def mongodb_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A MongoDB-wire server with change streams: TEST_MONGODB_URL, else SecantusDB."""
    if url := os.environ.get("TEST_MONGODB_URL"):
        yield url
        return
    from twin_local.servers import mongodb

    folder, port = tmp_path_factory.mktemp("mongodb"), free_port()
    with _running(mongodb.command("127.0.0.1", port, folder / "data"), port, folder / "log"):
        yield mongodb.url("127.0.0.1", port)


@pytest.fixture
async def warehouse(mongodb_url: str) -> AsyncIterator[Warehouse]:
    """A warehouse of its own for each test."""
    settings = WarehouseSettings(url=mongodb_url, database=f"test_{uuid4().hex}")
    async with Warehouse(settings) as warehouse:
        async with asyncio.timeout(_START_SECONDS):
            await warehouse.wait_until_ready()
        yield warehouse
        await warehouse.client.drop_database(settings.database)


@pytest.fixture(scope="module")
def kafka_bootstrap() -> Iterator[str]:
    """A Kafka with every topic: TEST_KAFKA_BOOTSTRAP, else librdkafka's cluster in this process."""
    if servers := os.environ.get("TEST_KAFKA_BOOTSTRAP"):
        yield servers
        return
    from twin_common.topics import ALL_TOPICS
    from twin_local.servers.kafka import MockCluster

    cluster = MockCluster()
    for topic in ALL_TOPICS:
        cluster.create_topic(topic.name, topic.partitions)
    yield cluster.bootstrap_servers


@pytest.fixture(scope="session")
def qdrant_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A vector index: TEST_QDRANT_URL, else the local vector server."""
    if url := os.environ.get("TEST_QDRANT_URL"):
        yield url
        return
    folder, port = tmp_path_factory.mktemp("qdrant"), free_port()
    command = [sys.executable, "-m", "twin_local.servers.vector", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--storage-path", str(folder / "data")]
    with _running(command, port, folder / "log"):
        yield f"http://127.0.0.1:{port}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """After a failure pytest times nothing any more: what hangs then ends the process, and says where."""
    stderr = item.config.stash[fault_handler_stderr_fd_key]
    faulthandler.dump_traceback_later(_TEARDOWN_SECONDS, exit=True, file=stderr)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Under TWIN_REQUIRE_ALL_TESTS=1 a skipped test is a failure."""
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole file."""
    report = yield
    _refuse_skip(report)
    return report


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    required = os.environ.get("TWIN_REQUIRE_ALL_TESTS") == "1"
    if required and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"TWIN_REQUIRE_ALL_TESTS=1 allows no skipped test: {report.nodeid}: {reason}"


@contextmanager
def _running(command: Sequence[str], port: int, log: Path) -> Iterator[None]:
    """A server process until the end of the block; its last words stand in the error if it dies."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                last_words = log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{' '.join(command)} does not answer on port {port}:\n{last_words}")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
