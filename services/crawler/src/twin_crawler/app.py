"""The service: takes crawl requests from Kafka, lets each run in turn, and says whether it is well."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaMessage

from twin_common.dead_letter import SourceRecord, dead_letter
from twin_common.errors import PoisonMessage, ServerUnavailable
from twin_common.events import CrawlReported, CrawlRequested, Message, decode, encode
from twin_common.health import HealthServer
from twin_common.kafka_settings import KafkaSettings
from twin_common.telemetry import current_traceparent
from twin_common.topics import CRAWL_REQUESTS
from twin_common.warehouse import Warehouse, WarehouseSettings
from twin_crawler import metrics
from twin_crawler.broker import make_broker
from twin_crawler.child import child_runner
from twin_crawler.offsets import OffsetTracker
from twin_crawler.run_queue import RunQueue
from twin_crawler.runs import RunExecutor
from twin_crawler.schedule import Scheduler
from twin_crawler.settings import CrawlerSettings

log = structlog.get_logger(__name__)

SERVICE = "crawler"
T = TypeVar("T")

# Only a dead process loses its partitions: its heartbeats end. Waiting for a place in the queue is no death.
_MAX_POLL_INTERVAL_MS = 24 * 3600 * 1000
_PROBE_SECONDS = 5.0
_RETRY_SECONDS = 1.0


class CrawlerApp:
    """A consumer of crawl requests, the queue behind it, and its health.

    An offset is committed once its run and all earlier ones of the partition have ended. After a crash the
    others are delivered again and run again, which changes nothing that was stored already.
    """

    def __init__(self, settings: CrawlerSettings, warehouse: WarehouseSettings, kafka: KafkaSettings) -> None:
        self._settings = settings
        self._warehouse = Warehouse(warehouse)
        self._kafka = kafka
        self._producer: AIOKafkaProducer | None = None
        self._offsets = OffsetTracker()
        self._queue = RunQueue(settings.concurrent_runs, settings.max_waiting_runs)
        self._scheduler = Scheduler(self._warehouse, self._request)
        self._scheduling: asyncio.Task[None] | None = None
        self._problem: str | None = "starting"
        self._executor = RunExecutor(
            self._warehouse, self._report, child_runner(settings.run_stall_seconds), settings.policy
        )

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT.

        Raises:
            Exception: what ended a run in a way that nobody foresaw.
        """
        broker = make_broker(self._kafka)
        broker.subscriber(
            CRAWL_REQUESTS.name,
            group_id=SERVICE,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            max_poll_interval_ms=_MAX_POLL_INTERVAL_MS,
            parser=_parse_nothing,
            decoder=_decode_nothing,
            no_reply=True,
        )(self._take)
        app = FastStream(broker, logger=None, on_startup=[self._wait_for_servers])
        self._queue.failed.add_done_callback(lambda _: app.exit())
        health = HealthServer(self._settings.http_host, self._settings.http_port, ready=lambda: self._problem)
        with health:
            probing = asyncio.create_task(self._probe_regularly())
            try:
                await app.run()
            finally:
                probing.cancel()
                if self._scheduling is not None:
                    self._scheduling.cancel()
                await self._queue.stop()
                await self._close()
        if self._queue.failed.done():
            self._queue.failed.result()

    async def _take(self, message: KafkaMessage) -> None:
        """Line up one request, or put what nobody can use aside."""
        try:
            await self._line_up(message.raw_message, message.consumer)
        except Exception as error:
            # FastStream would swallow it and go on behind the message; better to end and be started again.
            log.exception("a request could not be taken")
            self._queue.fail(error)

    async def _line_up(self, record: "ConsumerRecord[bytes, bytes]", consumer: AIOKafkaConsumer) -> None:
        self._offsets.take(record.partition, record.offset)
        try:
            envelope = decode(record.value or b"", record.headers, CrawlRequested)
        except PoisonMessage as error:
            await self._set_aside(record, error)
            await self._commit(consumer, record)
            return
        request = envelope.event
        if not isinstance(request, CrawlRequested):
            raise TypeError(f"{type(request).__name__} is no CrawlRequested")

        async def work() -> None:
            await self._executor.execute(request, envelope.traceparent)
            await self._commit(consumer, record)

        await self._queue.put(request.author_id, work)

    async def _commit(self, consumer: AIOKafkaConsumer, record: "ConsumerRecord[bytes, bytes]") -> None:
        offset = self._offsets.finish(record.partition, record.offset)
        try:
            await consumer.commit({TopicPartition(record.topic, record.partition): offset})
        except (KafkaError, IllegalStateError) as error:
            # The partition went to another member, which runs the request again and finds it done.
            log.warning("an offset was not committed", offset=offset, error=str(error)[:300])

    async def _set_aside(self, record: "ConsumerRecord[bytes, bytes]", error: PoisonMessage) -> None:
        source = SourceRecord(
            record.topic,
            record.partition,
            record.offset,
            record.key,
            record.value,
            list(record.headers),
        )
        letter = dead_letter(source, error, SERVICE)
        log.error("a request is unusable", reason=error.reason, error=str(error)[:300], topic=letter.topic)
        await _until_done(lambda: self._send(letter), "Kafka to take a dead letter")
        metrics.DEAD_LETTERS.labels(error.reason).inc()

    async def _report(self, report: CrawlReported) -> None:
        await self._send(encode(report, SERVICE, traceparent=current_traceparent()))

    async def _request(self, request: CrawlRequested) -> None:
        await self._send(encode(request, SERVICE, event_id=request.run_id))

    async def _send(self, message: Message) -> None:
        if self._producer is None:
            raise RuntimeError("the producer is not connected")
        await self._producer.send_and_wait(
            message.topic, value=message.value, key=message.key, headers=message.headers
        )

    async def _wait_for_servers(self) -> None:
        """Wait until both servers answer; /readyz says which one is missing."""
        self._problem = "waiting for the warehouse"
        await self._warehouse.wait_until_ready(_RETRY_SECONDS, self._tell)
        self._problem = f"waiting for Kafka at {self._kafka.bootstrap_servers}"
        self._producer = await _until_done(self._connect, self._problem, self._tell)
        self._problem = None
        self._scheduling = asyncio.create_task(self._scheduler.run(), name="schedules")
        self._scheduling.add_done_callback(self._end_with_scheduler)

    def _end_with_scheduler(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()):
            self._queue.fail(error)

    def _tell(self, problem: str) -> None:
        self._problem = problem

    async def _connect(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(**self._kafka.aiokafka_producer())
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        return producer

    async def _probe_regularly(self) -> None:
        while True:
            await asyncio.sleep(_PROBE_SECONDS)
            if self._producer is not None:
                self._problem = await self._find_problem(self._producer)

    async def _find_problem(self, producer: AIOKafkaProducer) -> str | None:
        try:
            await self._warehouse.ping()
            await producer.client.fetch_all_metadata()
        except ServerUnavailable as error:
            return str(error)
        except KafkaError as error:
            return f"Kafka does not answer: {error}"
        return None

    async def _close(self) -> None:
        if self._producer is not None:
            await self._producer.stop()
        await self._warehouse.client.close()


async def _parse_nothing(
    record: "ConsumerRecord[bytes, bytes]", parse: Callable[[Any], Awaitable[KafkaMessage]]
) -> KafkaMessage:
    """FastStream decodes headers, and drops a record whose headers are no text: keep them from it."""
    message = await parse(replace(record, headers=()))
    message.raw_message = record
    return message


async def _decode_nothing(message: KafkaMessage) -> bytes:
    """FastStream would parse the body; a malformed one must reach us as it is."""
    return bytes(message.body)


async def _until_done(
    operation: Callable[[], Awaitable[T]], what_for: str, tell: Callable[[str], None] = lambda _: None
) -> T:
    while True:
        try:
            return await operation()
        except KafkaError as error:
            tell(f"{what_for}: {error}"[:300])
            log.warning("waiting", what_for=what_for, error=str(error)[:300])
            await asyncio.sleep(_RETRY_SECONDS)
