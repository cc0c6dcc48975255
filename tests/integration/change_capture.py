"""Copies of cdc between a warehouse and an Apache Kafka that a test may kill, and a reader of their topic."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self
from urllib.error import URLError
from urllib.request import urlopen
from uuid import uuid4

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from pydantic import SecretStr

from tests.integration.apache_kafka import ApacheKafka
from twin_cdc.fakes import ModelReader
from twin_common.events import Message
from twin_common.topics import DOCUMENT_CHANGES
from twin_common.warehouse import Warehouse, WarehouseSettings
from twin_local.ports import LOOPBACK, free_port
from twin_local.servers import mongodb
from twin_local.topics import create_topics

_SETTLE_SECONDS = 240


class WarehouseServer:
    """SecantusDB on a folder of its own, which outlives `kill` and `start`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return mongodb.url(LOOPBACK, self._port)

    def start(self) -> None:
        # The test commands let a test make it fail as a stepping-down primary does.
        command = [*mongodb.command(LOOPBACK, self._port, self._folder), "--enable-test-commands"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()


class Copy:
    """One copy of cdc, as a process."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._environment = os.environ | environment | {"CDC_LEASE_SECONDS": "2"}
        self._log = log
        self.start()

    def start(self) -> None:
        self._port = free_port()
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "twin_cdc"],
                env=self._environment | {"CDC_HTTP_PORT": str(self._port)},
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def says(self) -> str:
        """What `/readyz` answers; empty while nothing answers."""
        try:
            with urlopen(f"http://{LOOPBACK}:{self._port}/readyz", timeout=1) as answer:  # our own server
                return str(answer.read().decode())
        except (URLError, OSError):
            return ""


class ChangeCapture:
    """All of it; use it as a context."""

    def __init__(self, folder: Path, kafka: ApacheKafka) -> None:
        self.kafka = kafka
        self.server = WarehouseServer(folder / "warehouse")
        self._folder = folder
        self.copies: list[Copy] = []
        self.reader = ModelReader()

    async def __aenter__(self) -> Self:
        self.server.start()
        self.kafka.start()
        create_topics(self.kafka.bootstrap_servers)
        settings = WarehouseSettings(url=SecretStr(self.server.url), timeout_seconds=5)
        self.warehouse = Warehouse(settings)
        await self.warehouse.wait_until_ready(interval_seconds=0.2)
        self._consumer = Consumer(
            {
                "bootstrap.servers": self.kafka.bootstrap_servers,
                "group.id": uuid4().hex,
                "auto.offset.reset": "earliest",
                "log_level": 0,
            }
        )
        # No group: whether its coordinator outlives a killed broker is not the question here.
        self._consumer.assign(
            [
                TopicPartition(DOCUMENT_CHANGES.name, partition, OFFSET_BEGINNING)
                for partition in range(DOCUMENT_CHANGES.partitions)
            ]
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        for copy in self.copies:
            copy.kill()
        await self.warehouse.client.close()
        self._consumer.close()
        self.kafka.kill()
        self.server.kill()

    def start_copies(self, count: int) -> None:
        environment = {
            "MONGODB_URL": self.server.url,
            "MONGODB_TIMEOUT_SECONDS": "2",
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap_servers,
        }
        for number in range(count):
            self.copies.append(Copy(environment, self._folder / f"cdc-{number}.log"))

    async def holder(self) -> Copy:
        """The copy that relays, once there is one."""
        async with asyncio.timeout(_SETTLE_SECONDS):
            while True:
                for copy in self.copies:
                    if "relaying" in await asyncio.to_thread(copy.says):
                        return copy
                await asyncio.sleep(0.1)

    async def settled_differences(self) -> list[str]:
        """What the reader of the topic lacks or has too much once nothing moves, or after long enough."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        while True:
            while await asyncio.to_thread(self._read):
                pass
            left = await self.reader.differences(self.warehouse)
            if not left or time.monotonic() > deadline:
                return left

    def _read(self) -> int:
        records = self._consumer.consume(1000, timeout=1)
        for record in records:
            if record.error() is None:
                headers = list(record.headers() or [])
                topic, key, value = record.topic(), record.key(), record.value()
                assert topic is not None
                assert key is not None
                self.reader.read(Message(topic, key, value, headers))  # type: ignore[arg-type]
        return len(records)
