"""The platform as in production: Apache Kafka, a MongoDB-wire server, every service a process of its own."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from tests.integration.apache_kafka import JARS, ApacheKafka
from twin_local.home import TwinHome
from twin_local.platform import Platform, PlatformOptions
from twin_local.ports import free_port

# So that only the stream itself can have mended what a kill broke.
NO_RECONCILIATION = {"FEATURE_STREAM_RECONCILE_INTERVAL_SECONDS": "0"}


@pytest.fixture
def apache_kafka(tmp_path: Path) -> Iterator[str]:
    """host:port of a fresh Apache Kafka: TEST_KAFKA_BOOTSTRAP, else one from Maven's jars."""
    with kafka_in(tmp_path / "kafka") as bootstrap_servers:
        yield bootstrap_servers


@contextmanager
def kafka_in(folder: Path) -> Iterator[str]:
    """The same for longer than one test, with its data in a folder."""
    if given := os.environ.get("TEST_KAFKA_BOOTSTRAP"):
        yield given
        return
    if not JARS.is_dir():
        pytest.skip("Apache Kafka is missing: run tests/servers/install.sh")
    kafka = ApacheKafka(folder)
    kafka.start()
    yield kafka.bootstrap_servers
    kafka.kill()


@asynccontextmanager
async def platform_on(kafka: str, folder: Path, **environment: str) -> AsyncIterator[Platform]:
    """A platform of its own on a fresh folder."""
    options = PlatformOptions(
        TwinHome(folder),
        api_port=free_port(),
        environment={"KAFKA_BOOTSTRAP_SERVERS": kafka, **environment},
    )
    async with Platform(options) as platform:
        yield platform
