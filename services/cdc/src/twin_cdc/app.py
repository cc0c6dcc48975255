"""The service: wait for its servers, relay, begin again when one goes away, end cleanly when told to."""

import asyncio
import signal
import time

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from pymongo.errors import PyMongoError

from twin_cdc import metrics
from twin_cdc.change_feed import ChangeFeed
from twin_cdc.publisher import KafkaPublisher
from twin_cdc.relay import Relay, RelayPolicy
from twin_cdc.resume_tokens import WarehouseTokenStore
from twin_cdc.settings import CdcSettings
from twin_common.health import HealthServer
from twin_common.kafka_settings import KafkaSettings
from twin_common.warehouse import Warehouse, WarehouseSettings

log = structlog.get_logger(__name__)

_BACKOFF_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0)


class CdcApp:
    """One relay, its health and its end."""

    def __init__(self, settings: CdcSettings, warehouse: WarehouseSettings, kafka: KafkaSettings) -> None:
        self._settings = settings
        self._warehouse_settings = warehouse
        self._kafka_settings = kafka
        self._stop = asyncio.Event()
        self._problem: str | None = "starting"

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT.

        Raises:
            KafkaError, PyMongoError: a server stayed away longer than the settings allow.
        """
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._stop.set)
        settings = self._settings
        with HealthServer(settings.http_host, settings.http_port, ready=lambda: self._problem):
            failures, failing_since = 0, time.monotonic()
            while not self._stop.is_set():
                try:
                    await self._relay_once()
                except (KafkaError, PyMongoError, OSError) as error:
                    server = "kafka" if isinstance(error, KafkaError) else "warehouse"
                    metrics.FAILURES.labels(server).inc()
                    if self._problem is None:
                        failures, failing_since = 0, time.monotonic()
                    self._problem = f"the {server} does not answer: {error}"[:500]
                    if time.monotonic() - failing_since > settings.retry_limit_seconds:
                        log.critical("giving up", server=server, error=str(error))
                        raise
                    pause = _BACKOFF_SECONDS[min(failures, len(_BACKOFF_SECONDS) - 1)]
                    failures += 1
                    log.warning("waiting", for_server=server, seconds=pause, error=str(error)[:300])
                    await _sleep(pause, self._stop)
        log.info("stopped")

    async def _relay_once(self) -> None:
        """Connect, and relay from the last saved token until told to stop or a server fails."""
        settings = self._settings
        async with Warehouse(self._warehouse_settings) as warehouse:
            await warehouse.client.admin.command("ping")
            await warehouse.documents.create_indexes()
            producer = AIOKafkaProducer(**self._kafka_settings.aiokafka_producer())
            try:
                await producer.start()
                relay = Relay(
                    ChangeFeed(warehouse.database, settings.batch_size),
                    KafkaPublisher(producer),
                    WarehouseTokenStore(warehouse.database),
                    RelayPolicy(settings.inline_limit_bytes, settings.batches_in_flight),
                )
                await relay.run(self._stop, self._on_streaming)
            finally:
                await producer.stop()

    def _on_streaming(self) -> None:
        self._problem = None
        log.info("relaying changes")


async def _sleep(seconds: float, stop: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass
