"""The service: lines up a training for every dataset, trains, and moves approved models on."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaMessage
from pymongo.errors import PyMongoError

from twin_common.dead_letter import SourceRecord, dead_letter
from twin_common.errors import PoisonMessage, ServerUnavailable
from twin_common.events import DatasetReady, Message, ModelChanged, decode, encode
from twin_common.health import HealthServer
from twin_common.kafka_settings import KafkaSettings
from twin_common.models import JobState
from twin_common.telemetry import current_traceparent
from twin_common.topics import DATASETS_READY
from twin_common.warehouse import Warehouse, WarehouseSettings
from twin_trainer import metrics
from twin_trainer.broker import make_broker
from twin_trainer.child import RunChild, child_runner
from twin_trainer.registry import open_registry
from twin_trainer.releases import Releases
from twin_trainer.requests import line_up
from twin_trainer.settings import TrainerSettings
from twin_trainer.vllm import VllmServing
from twin_trainer.worker import Worker

log = structlog.get_logger(__name__)

SERVICE = "trainer"
T = TypeVar("T")

_MAX_POLL_INTERVAL_MS = 24 * 3600 * 1000
_PROBE_SECONDS = 5.0
_RETRY_SECONDS = 1.0
_RELEASE_SECONDS = 1.0


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
        self._producer: AIOKafkaProducer | None = None
        self._problem: str | None = "starting"
        self._failed: asyncio.Future[None] | None = None
        self._ready, self._woken = asyncio.Event(), asyncio.Event()
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
        broker.subscriber(
            DATASETS_READY.name,
            group_id=SERVICE,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            max_poll_interval_ms=_MAX_POLL_INTERVAL_MS,
            parser=_parse_nothing,
            decoder=_decode_nothing,
            no_reply=True,
        )(self._take)
        app = FastStream(broker, logger=None, on_startup=[self._wait_for_servers])
        self._failed.add_done_callback(lambda _: app.exit())
        health = HealthServer(
            self._settings.http_host,
            self._settings.http_port,
            ready=lambda: self._problem,
            state=lambda: self._worker.state if self._settings.run_jobs else "lining up only",
        )
        with health:
            parts = [
                self._start(loop())
                for loop in (self._probe_regularly, self._release_regularly, self._show_queue_regularly)
            ]
            if self._settings.run_jobs:
                parts.append(self._start(self._work()))
            try:
                await app.run()
            finally:
                for part in parts:
                    part.cancel()
                await asyncio.gather(*parts, return_exceptions=True)
                await self._close()
        if self._failed.done():
            self._failed.result()

    async def run_once(self) -> bool:
        """Train one waiting dataset, if any, without consuming events: what a Kubernetes Job does.

        Returns:
            False when the training was not finished; it is tried again, or parked with a reason.
        """
        await self._warehouse.wait_until_ready(_RETRY_SECONDS)
        self._producer = await _until_done(self._connect, "Kafka")
        try:
            finished = await self._worker.run_once()
            await self._releases.announce()
        finally:
            await self._close()
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

    async def _take(self, message: KafkaMessage) -> None:
        """Line up the training of one dataset, or put what nobody can use aside."""
        try:
            await self._line_up(message.raw_message, message.consumer)
        except Exception as error:
            # FastStream would swallow it and go on behind the message; better to end and be started again.
            log.exception("an event could not be taken")
            self._fail(error)

    async def _line_up(self, record: "ConsumerRecord[bytes, bytes]", consumer: AIOKafkaConsumer) -> None:
        try:
            event = decode(record.value or b"", record.headers, DatasetReady).event
        except PoisonMessage as error:
            await self._set_aside(record, error)
        else:
            if not isinstance(event, DatasetReady):
                raise TypeError(f"{type(event).__name__} is no DatasetReady")
            outcome = await _until_done(
                lambda: line_up(self._warehouse, event, self._settings.training, DATASETS_READY.name),
                "the warehouse and the Hub to line a training up",
            )
            metrics.REQUESTS.labels(outcome).inc()
            log.info("a dataset was announced", dataset=event.dataset_id, outcome=outcome)
        try:
            await consumer.commit({TopicPartition(record.topic, record.partition): record.offset + 1})
        except (KafkaError, IllegalStateError) as error:
            # The partition went to another member, which finds the training in the queue.
            log.warning("an offset was not committed", offset=record.offset, error=str(error)[:300])

    async def _set_aside(self, record: "ConsumerRecord[bytes, bytes]", error: PoisonMessage) -> None:
        source = SourceRecord(
            record.topic, record.partition, record.offset, record.key, record.value, list(record.headers)
        )
        letter = dead_letter(source, error, SERVICE)
        log.error("an event is unusable", reason=error.reason, error=str(error)[:300], topic=letter.topic)
        await _until_done(lambda: self._send(letter), "Kafka to take a dead letter")
        metrics.DEAD_LETTERS.labels(error.reason).inc()

    async def _publish(self, event: ModelChanged) -> None:
        await self._send(encode(event, SERVICE, event_id=event.event_id, traceparent=current_traceparent()))

    async def _send(self, message: Message) -> None:
        if self._producer is None:
            raise RuntimeError("the producer is not connected")
        await self._producer.send_and_wait(
            message.topic, value=message.value, key=message.key, headers=message.headers
        )

    async def _wait_for_servers(self) -> None:
        """Wait until both servers answer; /readyz says which one is missing."""
        self._problem = "waiting for the warehouse"
        await self._warehouse.wait_until_ready(_RETRY_SECONDS)
        self._problem = f"waiting for Kafka at {self._kafka.bootstrap_servers}"
        self._producer = await _until_done(self._connect, self._problem)
        self._problem = None
        self._ready.set()

    async def _work(self) -> None:
        await self._ready.wait()
        await self._worker.run()

    async def _release_regularly(self) -> None:
        await self._ready.wait()
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
        await self._ready.wait()
        jobs = self._warehouse.training_jobs
        while True:
            with suppress(PyMongoError):  # the probe tells of it
                states = (JobState.WAITING, JobState.PARKED, JobState.RUNNING)
                metrics.show_queue(*[await jobs.in_state(state) for state in states])
            await asyncio.sleep(_PROBE_SECONDS)

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


async def _until_done(operation: Callable[[], Awaitable[T]], what_for: str) -> T:
    while True:
        try:
            return await operation()
        except (KafkaError, PyMongoError, ServerUnavailable) as error:
            log.warning("waiting", what_for=what_for, error=str(error)[:300])
            await asyncio.sleep(_RETRY_SECONDS)
