"""The service: takes crawl requests from Kafka, lets each run in turn, and says whether it is well."""

import asyncio

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from faststream import FastStream

from twin_common.errors import PoisonMessage
from twin_common.events import CrawlReported, CrawlRequested, decode, encode
from twin_common.health import HealthServer
from twin_common.kafka_settings import KafkaSettings
from twin_common.telemetry import current_traceparent
from twin_common.topics import CRAWL_REQUESTS
from twin_common.warehouse import Warehouse, WarehouseSettings
from twin_crawler import metrics
from twin_crawler.child import child_runner
from twin_crawler.offsets import OffsetTracker
from twin_crawler.run_queue import RunQueue
from twin_crawler.runs import RunExecutor
from twin_crawler.schedule import Scheduler
from twin_crawler.settings import CrawlerSettings
from twin_kafka.broker import make_broker
from twin_kafka.producer import EventProducer
from twin_kafka.readiness import Readiness
from twin_kafka.subscription import commit, subscribe

SERVICE = "crawler"


class CrawlerApp:
    """A consumer of crawl requests, the queue behind it, and its health.

    An offset is committed once its run and all earlier ones of the partition have ended. After a crash the
    others are delivered again and run again, which changes nothing that was stored already.
    """

    def __init__(self, settings: CrawlerSettings, warehouse: WarehouseSettings, kafka: KafkaSettings) -> None:
        self._settings = settings
        self._warehouse = Warehouse(warehouse)
        self._kafka = kafka
        self._producer = EventProducer(kafka, SERVICE)
        self._readiness = Readiness(self._warehouse, self._producer)
        self._offsets = OffsetTracker()
        self._queue = RunQueue(settings.concurrent_runs, settings.max_waiting_runs)
        self._scheduler = Scheduler(self._warehouse, self._request)
        self._scheduling: asyncio.Task[None] | None = None
        self._executor = RunExecutor(
            self._warehouse, self._report, child_runner(settings.run_stall_seconds), settings.policy
        )

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT.

        Raises:
            Exception: what ended a run in a way that nobody foresaw.
        """
        broker = make_broker(self._kafka)
        subscribe(broker, CRAWL_REQUESTS, SERVICE, self._line_up, self._queue.fail)
        app = FastStream(broker, logger=None, on_startup=[self._start])
        self._queue.failed.add_done_callback(lambda _: app.exit())
        health = HealthServer(
            self._settings.http_host, self._settings.http_port, ready=lambda: self._readiness.problem
        )
        with health:
            probing = asyncio.create_task(self._readiness.watch())
            try:
                await app.run()
            finally:
                probing.cancel()
                if self._scheduling is not None:
                    self._scheduling.cancel()
                await self._queue.stop()
                await self._readiness.close()
        if self._queue.failed.done():
            self._queue.failed.result()

    async def _line_up(self, record: "ConsumerRecord[bytes, bytes]", consumer: AIOKafkaConsumer) -> None:
        self._offsets.take(record.partition, record.offset)
        try:
            envelope = decode(record.value or b"", record.headers, CrawlRequested)
        except PoisonMessage as error:
            await self._producer.set_aside(record, error)
            metrics.DEAD_LETTERS.labels(error.reason).inc()
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
        await commit(consumer, record, self._offsets.finish(record.partition, record.offset))

    async def _report(self, report: CrawlReported) -> None:
        await self._producer.send(encode(report, SERVICE, traceparent=current_traceparent()))

    async def _request(self, request: CrawlRequested) -> None:
        await self._producer.send(encode(request, SERVICE, event_id=request.run_id))

    async def _start(self) -> None:
        await self._readiness.reach()
        self._scheduling = asyncio.create_task(self._scheduler.run(), name="schedules")
        self._scheduling.add_done_callback(self._end_with_scheduler)

    def _end_with_scheduler(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()):
            self._queue.fail(error)
