"""Takes trainings from the queue, one at a time, and sees each to its end."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from pymongo.errors import PyMongoError

from twin_common.errors import TwinError
from twin_common.models import JobProgress, JobState, ModelRecord, ModelStage, StageChange, TrainingJob
from twin_common.standstill import Standstill
from twin_common.warehouse import ModelReport, Warehouse
from twin_trainer import metrics
from twin_trainer.child import RunChild
from twin_trainer.device_lock import DeviceBusy, locked_device
from twin_trainer.evaluation.policy import EvaluationPolicy
from twin_trainer.gate import GatePolicy
from twin_trainer.job_protocol import End, Failed, Finished, JobSpec, Searched, Told
from twin_trainer.memory import SHAPE_FILE, OutOfMemory, shrink_after_kill

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 1.0
_TELL_SECONDS = 1.0


@dataclass(frozen=True)
class WorkerPolicy:
    """How patient a worker is, and what it asks of a training."""

    attempts: int = 3
    retry_seconds: float = 30.0
    lease_seconds: float = 30.0
    pairs: int = 32
    pair_tokens: int = 128
    evaluation: EvaluationPolicy = field(default_factory=EvaluationPolicy)
    gate: GatePolicy = field(default_factory=GatePolicy)


@dataclass
class Worker:
    """The one process of this machine that trains."""

    warehouse: Warehouse
    run_child: RunChild
    policy: WorkerPolicy
    registry: Path
    work: Path
    hub_namespace: str | None = None
    on_finished: Callable[[], None] = lambda: None
    """Called when a model has taken a step, so that it is told at once."""
    state: str = "starting"
    _standstills: defaultdict[str, Standstill] = field(default_factory=lambda: defaultdict(Standstill))
    _not_before: dict[str, float] = field(default_factory=dict)

    async def run(self) -> None:
        """Train what waits, until cancelled; while another process holds the device, wait for it."""
        while True:
            try:
                with locked_device(self.work) as name:
                    while True:
                        self.state = "waiting for a dataset"
                        if not await self._try_next(name):
                            await asyncio.sleep(_LOOK_SECONDS)
            except DeviceBusy:
                self.state = "standby: another trainer of this machine works"
                await asyncio.sleep(_LOOK_SECONDS)

    async def run_once(self) -> bool:
        """Train one that waits, if any.

        Returns:
            False when it was not finished.

        Raises:
            DeviceBusy: another process trains here.
        """
        with locked_device(self.work) as name:
            job = await self._claim(name)
            return job is None or await self._train(job, name)

    async def _try_next(self, name: str) -> bool:
        """Whether there was anything to do."""
        try:
            job = await self._claim(name)
            if job is None:
                return False
            await self._train(job, name)
        except PyMongoError as error:  # the queue is away, and what is lost of the work is found again
            log.warning("the warehouse does not answer", error=str(error)[:300])
            return False
        return True

    async def _claim(self, name: str) -> TrainingJob | None:
        """What an earlier holder of this device left, then what waits, then what others abandoned."""
        jobs = self.warehouse.training_jobs
        asked_at = time.monotonic()
        running = await jobs.in_state(JobState.RUNNING)
        waiting = await jobs.in_state(JobState.WAITING)
        mine = [job for job in running if job.holder == name]
        due = [job for job in waiting if self._not_before.get(job.job_key, 0.0) <= time.monotonic()]
        abandoned = [job for job in running if job.holder != name and self._stands_still(job, asked_at)]
        for job in (*mine, *due, *abandoned):
            if (claimed := await jobs.claim(job, name)) is not None:
                return claimed
        return None

    def _stands_still(self, job: TrainingJob, asked_at: float) -> bool:
        return self._standstills[job.job_key].seconds(job.beat, asked_at) > self.policy.lease_seconds

    async def _train(self, job: TrainingJob, name: str) -> bool:
        """Whether the training was finished."""
        log.info("a training begins", job=job.job_key[:16], dataset=job.dataset_id, attempt=job.attempts)
        self.state = f"training on {job.dataset_id}"
        try:
            end = await self._follow(job, name)
        except asyncio.CancelledError:
            with suppress(PyMongoError):  # its name on it makes it the next process's at once
                await self.warehouse.training_jobs.end(job.job_key, name, JobState.WAITING)
            raise
        match end:
            case Finished():
                await self._keep(job, end)
                await self.warehouse.training_jobs.end(job.job_key, name, JobState.DONE)
                metrics.JOBS.labels("done").inc()
                self.on_finished()
            case Searched():
                log.info("a search ended", job=job.job_key[:16], tried=end.tried, best=end.best)
                await self.warehouse.training_jobs.end(job.job_key, name, JobState.DONE)
                metrics.JOBS.labels("done").inc()
            case Failed():
                if end.ran_out_of_memory:
                    self._take_less_memory(job)
                await self._put_back_or_park(job, name, end)
            case None:
                log.warning("the training is another worker's now", job=job.job_key[:16])
        return isinstance(end, Finished | Searched)

    def _folder(self, job: TrainingJob) -> Path:
        return (self.work / "jobs" / job.job_key[:16]).absolute()

    async def _follow(self, job: TrainingJob, name: str) -> End | None:
        """What the child came to; None when the job was taken away."""
        release = await self.warehouse.models.release(job.author_id)
        production = (
            (await self.warehouse.models.get(release.production)).location if release.production else None
        )
        spec = JobSpec(
            job=job,
            registry=self.registry.absolute(),
            work=self._folder(job),
            production=production,
            hub_namespace=self.hub_namespace,
            evaluation=self.policy.evaluation,
            pairs=self.policy.pairs,
            pair_tokens=self.policy.pair_tokens,
            gate=self.policy.gate,
        )
        newest: list[JobProgress] = []
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(self._read(spec, newest))
            beating = tasks.create_task(self._beat(job, name, newest))
            done, _ = await asyncio.wait((reading, beating), return_when=asyncio.FIRST_COMPLETED)
            reading.cancel()
            beating.cancel()
        return reading.result() if reading in done and not reading.cancelled() else None

    async def _read(self, spec: JobSpec, newest: list[JobProgress]) -> End | None:
        async with aclosing(self.run_child(spec)) as lines:
            async for line in lines:
                if not isinstance(line, Told):
                    return line
                newest[:] = [line.progress]
        return None

    def _take_less_memory(self, job: TrainingJob) -> None:
        """A stage that was killed for memory goes on with smaller micro-batches, so many more of them."""
        begun = self._folder(job).rglob(SHAPE_FILE)
        newest = max(begun, key=lambda file: file.stat().st_mtime, default=None)
        if newest is None:
            return
        with suppress(OutOfMemory):  # one sample at a time already
            shape = shrink_after_kill(newest.parent)
            log.warning("a training ran out of memory and goes on with less", shape=shape)

    async def _beat(self, job: TrainingJob, name: str, newest: list[JobProgress]) -> None:
        """Say that the worker lives, until the job is another's."""
        seconds = min(_TELL_SECONDS, self.policy.lease_seconds / 3)
        while True:
            try:
                progress = newest[0] if newest else None
                if not await self.warehouse.training_jobs.renew(job.job_key, name, progress):
                    return
            except PyMongoError as error:
                log.warning("the warehouse does not answer", error=str(error)[:300])
            await asyncio.sleep(seconds)

    async def _keep(self, job: TrainingJob, end: Finished) -> None:
        """The model's record, then the gate's word; once more changes nothing."""
        models = self.warehouse.models
        model_id = job.model_id
        trained = StageChange(
            stage=ModelStage.TRAINED, at=end.trained_at, who="trainer", why=f"trained on {job.dataset_id}"
        )
        record = ModelRecord(
            model_id=model_id,
            author_id=job.author_id,
            job_key=job.job_key,
            dataset_id=job.dataset_id,
            base_model=job.base_model,
            location=end.location,
            figures=end.figures,
            curves=end.curves,
            history=(trained,),
        )
        report = ModelReport(
            model_id=model_id,
            author_id=job.author_id,
            json_text=end.report_json,
            html=end.report_html,
            markdown=end.report_markdown,
        )
        await models.add(record, report)
        with suppress(TwinError):  # the author was erased meanwhile, or an earlier attempt came this far
            stage = ModelStage.EVALUATED if end.passed else ModelStage.REJECTED
            if (await models.get(model_id)).stage is ModelStage.TRAINED:
                await models.move(model_id, stage, "gate", end.why)

    async def _put_back_or_park(self, job: TrainingJob, name: str, end: Failed) -> None:
        jobs = self.warehouse.training_jobs
        if end.may_pass and job.attempts < self.policy.attempts:
            pause = self.policy.retry_seconds * 2 ** (job.attempts - 1)
            self._not_before[job.job_key] = time.monotonic() + pause
            log.warning("a training failed and is tried again", reason=end.reason, pause_seconds=pause)
            await jobs.end(job.job_key, name, JobState.WAITING, end.reason)
            metrics.JOBS.labels("retried").inc()
            return
        tried = f" (tried {job.attempts} times)" if job.attempts > 1 else ""
        log.error("a training is parked", job=job.job_key[:16], reason=end.reason)
        await jobs.end(job.job_key, name, JobState.PARKED, f"{end.reason}{tried}")
        metrics.JOBS.labels("parked").inc()
