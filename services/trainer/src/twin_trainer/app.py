"""The service: lines up a training for every dataset, trains, and moves approved models on."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.errors import KafkaError
from faststream import FastStream
from pymongo.errors import PyMongoError

from twin_common.errors import PoisonMessage, ServerUnavailable
from twin_common.events import DatasetReady, ModelChanged, decode, encode
from twin_common.health import HealthServer
from twin_common.kafka_settings import KafkaSettings
from twin_common.models import JobState
from twin_common.telemetry import current_traceparent
from twin_common.topics import DATASETS_READY
from twin_common.warehouse import Warehouse, WarehouseSettings
from twin_kafka.broker import make_broker
from twin_kafka.producer import EventProducer
from twin_kafka.readiness import Readiness
from twin_kafka.subscription import commit, subscribe
from twin_kafka.waiting import until_done
from twin_trainer import metrics
from twin_trainer.child import RunChild, child_runner
from twin_trainer.registry import open_registry
from twin_trainer.releases import Releases
from twin_trainer.requests import line_up
from twin_trainer.settings import TrainerSettings
from twin_trainer.vllm import VllmServing
from twin_trainer.worker import Worker

log = structlog.get_logger(__name__)

SERVICE = "trainer"

_RELEASE_SECONDS = 1.0
_QUEUE_SECONDS = 5.0


class TrainerApp:
    """A consumer that only lines trainings up, a worker that trains, and a loop that releases.

    The offset of an event is committed as soon as its training stands in the queue, so the consumer never
    waits for one: a training may take a day and the group does not notice.
    """

    def __init__(
        self,
        settings: TrainerSettings,
        warehouse: WarehouseSettings,
        kafka: KafkaSettings,
        run_child: RunChild | None = None,
    ) -> None:
        self._settings = settings
        self._warehouse = Warehouse(warehouse)
        self._kafka = kafka
        self._producer = EventProducer(kafka, SERVICE)
        self._readiness = Readiness(self._warehouse, self._producer)
        self._failed: asyncio.Future[None] | None = None
        self._woken = asyncio.Event()
        serving = VllmServing(settings.vllm_url) if settings.vllm_url else None
        self._releases = Releases(
            models=self._warehouse.models,
            feedback=self._warehouse.feedback,
            registry=open_registry(settings.registry, settings.hub_namespace, settings.hub_token),
            policy=settings.release_policy,
            publish=self._publish,
            serving=serving,
        )
        self._worker = Worker(
            warehouse=self._warehouse,
            run_child=run_child or child_runner(settings.stall_seconds),
            policy=settings.worker_policy,
            registry=settings.registry,
            work=settings.work,
            hub_namespace=settings.hub_namespace,
            on_finished=self._woken.set,
        )

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT.

        Raises:
            Exception: what nobody foresaw in one of the parts.
        """
        self._failed = asyncio.get_running_loop().create_future()
        broker = make_broker(self._kafka)
        subscribe(broker, DATASETS_READY, SERVICE, self._line_up, self._fail)
        app = FastStream(broker, logger=None, on_startup=[self._readiness.reach])
        self._failed.add_done_callback(lambda _: app.exit())
        health = HealthServer(
            self._settings.http_host,
            self._settings.http_port,
            ready=lambda: self._readiness.problem,
            state=lambda: self._worker.state if self._settings.run_jobs else "lining up only",
        )
        with health:
            parts = [
                self._start(self._readiness.watch()),
                self._start(self._release_regularly()),
                self._start(self._show_queue_regularly()),
            ]
            if self._settings.run_jobs:
                parts.append(self._start(self._work()))
            try:
                await app.run()
            finally:
                for part in parts:
                    part.cancel()
                await asyncio.gather(*parts, return_exceptions=True)
                await self._readiness.close()
        if self._failed.done():
            self._failed.result()

    async def run_once(self) -> bool:
        """Train one waiting dataset, if any, without consuming events: what a Kubernetes Job does.

        Returns:
            False when the training was not finished; it is tried again, or parked with a reason.
        """
        await self._readiness.reach()
        try:
            finished = await self._worker.run_once()
            await self._releases.announce()
        finally:
            await self._readiness.close()
        return finished

    def _start(self, part: Awaitable[None]) -> "asyncio.Task[None]":
        async def run() -> None:
            await part

        task = asyncio.create_task(run())
        task.add_done_callback(self._end_with)
        return task

    def _end_with(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()):
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if self._failed is not None and not self._failed.done():
            self._failed.set_exception(error)

    async def _line_up(self, record: "ConsumerRecord[bytes, bytes]", consumer: AIOKafkaConsumer) -> None:
        try:
            event = decode(record.value or b"", record.headers, DatasetReady).event
        except PoisonMessage as error:
            await self._producer.set_aside(record, error)
            metrics.DEAD_LETTERS.labels(error.reason).inc()
        else:
            if not isinstance(event, DatasetReady):
                raise TypeError(f"{type(event).__name__} is no DatasetReady")
            outcome = await until_done(
                lambda: line_up(self._warehouse, event, self._settings.training, DATASETS_READY.name),
                "the warehouse and the Hub to line a training up",
                PyMongoError,
                ServerUnavailable,
            )
            metrics.REQUESTS.labels(outcome).inc()
            log.info("a dataset was announced", dataset=event.dataset_id, outcome=outcome)
        await commit(consumer, record)

    async def _publish(self, event: ModelChanged) -> None:
        await self._producer.send(
            encode(event, SERVICE, event_id=event.event_id, traceparent=current_traceparent())
        )

    async def _work(self) -> None:
        await self._readiness.reached()
        await self._worker.run()

    async def _release_regularly(self) -> None:
        await self._readiness.reached()
        while True:
            try:
                await self._releases.look()
            except (PyMongoError, KafkaError, ServerUnavailable) as error:
                log.warning("models cannot be moved on now", error=str(error)[:300])
            self._woken.clear()
            try:
                await asyncio.wait_for(self._woken.wait(), _RELEASE_SECONDS)
            except TimeoutError:
                continue

    async def _show_queue_regularly(self) -> None:
        """A copy that trains nothing tells of the trainings elsewhere: nobody asks a job's pod."""
        await self._readiness.reached()
        jobs = self._warehouse.training_jobs
        while True:
            with suppress(PyMongoError):  # the probe tells of it
                states = (JobState.WAITING, JobState.PARKED, JobState.RUNNING)
                metrics.show_queue(*[await jobs.in_state(state) for state in states])
            await asyncio.sleep(_QUEUE_SECONDS)
