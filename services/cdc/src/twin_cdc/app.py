"""The service: wait for its servers and its turn, relay, begin again when a server goes away, end cleanly."""

import asyncio
import os
import signal
import socket
import time
from uuid import uuid4

import structlog
from confluent_kafka import KafkaException
from pymongo.errors import PyMongoError

from twin_cdc import metrics
from twin_cdc.back_fill import BackFill
from twin_cdc.change_feed import ChangeFeed
from twin_cdc.lease import Lease, LeaseLost
from twin_cdc.publisher import KafkaPublisher
from twin_cdc.relay import Relay, RelayPolicy
from twin_cdc.resume_tokens import WarehouseTokenStore
from twin_cdc.server_clock import ServerClock
from twin_cdc.settings import CdcSettings
from twin_common.errors import ServerUnavailable
from twin_common.health import HealthServer
from twin_common.kafka_settings import KafkaSettings
from twin_common.warehouse import Warehouse, WarehouseSettings

log = structlog.get_logger(__name__)

_BACKOFF_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0)
_ENVELOPE_BYTES = 8_192
"""What key, headers and framing add to a value, generously."""


class CdcApp:
    """One relay, its health and its end."""

    def __init__(self, settings: CdcSettings, warehouse: WarehouseSettings, kafka: KafkaSettings) -> None:
        self._settings = settings
        self._warehouse_settings = warehouse
        self._kafka_settings = kafka
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        self._stop = asyncio.Event()
        self._problem: str | None = "starting"
        self._state = "ok"

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT.

        Raises:
            KafkaException, PyMongoError, ServerUnavailable: a server stayed away longer than allowed.
        """
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._stop.set)
        settings = self._settings
        with HealthServer(
            settings.http_host, settings.http_port, ready=lambda: self._problem, state=lambda: self._state
        ):
            failures, failing_since = 0, time.monotonic()
            while not self._stop.is_set():
                try:
                    await self._relay_once()
                except LeaseLost as error:
                    log.warning("standing by", error=str(error))
                    await _sleep(_BACKOFF_SECONDS[0], self._stop)
                except (KafkaException, PyMongoError, OSError, ServerUnavailable) as error:
                    server = "kafka" if isinstance(error, KafkaException) else "warehouse"
                    metrics.FAILURES.labels(server).inc()
                    if self._problem is None:
                        failures, failing_since = 0, time.monotonic()
                    said = isinstance(error, ServerUnavailable)
                    self._problem = (str(error) if said else f"the {server} does not answer: {error}")[:500]
                    if time.monotonic() - failing_since > settings.retry_limit_seconds:
                        log.critical("giving up", server=server, error=str(error))
                        raise
                    pause = _BACKOFF_SECONDS[min(failures, len(_BACKOFF_SECONDS) - 1)]
                    failures += 1
                    log.warning("waiting", for_server=server, seconds=pause, error=str(error)[:300])
                    await _sleep(pause, self._stop)
        log.info("stopped")

    async def _relay_once(self) -> None:
        """Connect, wait for the lease, and relay until told to stop, a server fails, or the lease is lost."""
        async with Warehouse(self._warehouse_settings) as warehouse:
            await warehouse.ping()
            await warehouse.documents.create_indexes()
            lease = Lease(warehouse.database, self._holder, self._settings.lease_seconds)
            fence = await lease.acquire(self._stop, self._on_waiting)
            if fence is None:
                return
            log.info("holding the lease", fence=fence)
            try:
                await lease.work_while_held(fence, self._relay(warehouse, fence))
            finally:
                metrics.LEASE_HELD.set(0)

    async def _relay(self, warehouse: Warehouse, fence: int) -> None:
        """Fence off the producers before us, and only then read the position they left."""
        settings, database = self._settings, warehouse.database
        metrics.LEASE_HELD.set(1)
        limit = min(settings.inline_limit_bytes, self._kafka_settings.max_message_bytes - _ENVELOPE_BYTES)
        publisher = KafkaPublisher(self._kafka_settings, f"twin-cdc-{database.name}")
        await publisher.fence_off_others()
        relay = Relay(
            ChangeFeed(database, settings.batch_size),
            BackFill(database, settings.batch_size),
            publisher,
            WarehouseTokenStore(database, fence),
            policy=RelayPolicy(limit, settings.quiet_save_seconds),
            clock=await ServerClock.of(database),
        )
        await relay.run(self._stop, self._on_streaming)

    def _on_waiting(self, holder: str) -> None:
        """Waiting is a copy's work too, so it is ready: only then can a rolling update go on."""
        self._problem, self._state = None, f"standby: {holder} relays"

    def _on_streaming(self) -> None:
        self._problem, self._state = None, "ok: relaying"
        log.info("relaying changes")


async def _sleep(seconds: float, stop: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
