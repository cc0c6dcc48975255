"""A worker and its queue, against a real warehouse, with a process in the training's stead."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from twin_common.identity import AuthorId
from twin_common.models import JobState, ModelStage, TrainingJob
from twin_common.warehouse import Warehouse
from twin_trainer.child import child_runner
from twin_trainer.device_lock import DeviceBusy, locked_device
from twin_trainer.memory import BatchShape, read_shape, write_shape
from twin_trainer.memory_watch import MemoryWatch
from twin_trainer.worker import Worker, WorkerPolicy

from .fake_child import COMMAND, script, starts

_ADA = AuthorId("ada")
_PATIENT = WorkerPolicy(attempts=3, retry_seconds=0, lease_seconds=1.0)
_SECONDS = 120


def _job(number: int = 1) -> TrainingJob:
    return TrainingJob(
        job_key=f"{number:064x}"[::-1],
        author_id=_ADA,
        dataset_id=f"ada-d{number}",
        dataset_location=f"datasets/ada-d{number}",
        base_model="b",
        configuration="{}",
        requested_by="test",
        created_at=datetime(2026, 5, 1, 12, number, tzinfo=UTC),
    )


def _worker(warehouse: Warehouse, folder: Path, work: str = "work", stall_seconds: float = 60.0) -> Worker:
    return Worker(
        warehouse=warehouse,
        run_child=child_runner(stall_seconds, COMMAND),
        policy=_PATIENT,
        registry=folder,
        work=folder / work,
    )


@asynccontextmanager
async def _running(worker: Worker) -> AsyncIterator[None]:
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _until(warehouse: Warehouse, job: TrainingJob, *states: JobState) -> TrainingJob:
    async with asyncio.timeout(_SECONDS):
        while True:
            found = await warehouse.training_jobs.get(job.job_key)
            if found is not None and found.state in states:
                return found
            await asyncio.sleep(0.05)


async def _until_started(folder: Path, count: int) -> int:
    async with asyncio.timeout(_SECONDS):
        while len(starts(folder)) < count:
            await asyncio.sleep(0.02)
    return starts(folder)[-1]


class TestTraining:
    async def test_a_finished_training_is_a_model_that_was_measured(
        self, warehouse: Warehouse, tmp_path: Path
    ) -> None:
        job = _job()
        await warehouse.training_jobs.put(job)
        async with _running(_worker(warehouse, tmp_path)):
            await _until(warehouse, job, JobState.DONE)
        record = await warehouse.models.get(job.model_id, _ADA)
        assert [(step.stage, step.who) for step in record.history] == [
            (ModelStage.TRAINED, "trainer"),
            (ModelStage.EVALUATED, "gate"),
        ]
        assert record.figures == {"perplexity": 37.0}
        assert [(curve.name, curve.points[0].loss) for curve in record.curves] == [("sft", 3.5)]
        assert (await warehouse.models.report(job.model_id, _ADA)).html == "<p>"

    async def test_what_the_gate_stops_is_rejected_with_its_reason(
        self, warehouse: Warehouse, tmp_path: Path
    ) -> None:
        script(tmp_path, "bad")
        await warehouse.training_jobs.put(_job())
        async with _running(_worker(warehouse, tmp_path)):
            await _until(warehouse, _job(), JobState.DONE)
        record = await warehouse.models.get(_job().model_id)
        assert record.stage is ModelStage.REJECTED
        assert record.history[-1].why == "it repeats itself"

    async def test_a_search_ends_without_a_model(self, warehouse: Warehouse, tmp_path: Path) -> None:
        script(tmp_path, "search")
        await warehouse.training_jobs.put(_job())
        async with _running(_worker(warehouse, tmp_path)):
            await _until(warehouse, _job(), JobState.DONE)
        assert await warehouse.models.all(_ADA) == []

    async def test_jobs_run_one_at_a_time_the_oldest_first(
        self, warehouse: Warehouse, tmp_path: Path
    ) -> None:
        script(tmp_path, "wait")
        for number in (2, 1, 3):
            await warehouse.training_jobs.put(_job(number))
        async with _running(_worker(warehouse, tmp_path)):
            await _until_started(tmp_path, 1)
            running = await _until(warehouse, _job(1), JobState.RUNNING)
            assert [job.job_key for job in await warehouse.training_jobs.in_state(JobState.RUNNING)] == [
                running.job_key
            ]
            (tmp_path / "go").touch()
            await _until(warehouse, _job(3), JobState.DONE)
        assert len(starts(tmp_path)) == 3

    async def test_progress_is_told_while_it_runs(self, warehouse: Warehouse, tmp_path: Path) -> None:
        script(tmp_path, "wait")
        await warehouse.training_jobs.put(_job())
        async with _running(_worker(warehouse, tmp_path)), asyncio.timeout(_SECONDS):
            while (job := await warehouse.training_jobs.get(_job().job_key)) is None or job.progress is None:
                await asyncio.sleep(0.05)
        assert (job.progress.phase, job.progress.step, job.progress.loss) == ("sft", 1, 3.5)


class TestFailing:
    @pytest.mark.parametrize("failure", ["die", "transient"])
    async def test_what_may_pass_is_tried_again(
        self, warehouse: Warehouse, tmp_path: Path, failure: str
    ) -> None:
        script(tmp_path, failure, failure)
        await warehouse.training_jobs.put(_job())
        async with _running(_worker(warehouse, tmp_path)):
            await _until(warehouse, _job(), JobState.DONE)
        assert len(starts(tmp_path)) == 3

    @pytest.mark.parametrize(
        ("failure", "tries", "reason"),
        [
            ("hopeless", 1, "it needs a licence: accept it"),
            ("transient", 3, "the registry is away (tried 3 times)"),
            ("die", 3, "the training's process was killed by signal SIGKILL"),
        ],
    )
    async def test_it_is_parked_with_the_reason_and_never_marked_done(
        self, warehouse: Warehouse, tmp_path: Path, failure: str, tries: int, reason: str
    ) -> None:
        script(tmp_path, *[failure] * 3)
        await warehouse.training_jobs.put(_job())
        async with _running(_worker(warehouse, tmp_path)):
            parked = await _until(warehouse, _job(), JobState.PARKED, JobState.DONE)
        assert parked.state is JobState.PARKED
        assert reason in (parked.reason or "")
        assert len(starts(tmp_path)) == tries
        assert await warehouse.models.all(_ADA) == []

    @pytest.mark.parametrize(("ran_out", "micro_batch"), [(True, 2), (False, 4)])
    async def test_only_a_kill_for_memory_makes_batches_smaller(
        self, warehouse: Warehouse, tmp_path: Path, ran_out: bool, micro_batch: int
    ) -> None:
        class Watch(MemoryWatch):
            def blames_memory(self) -> bool:
                return ran_out

        stage = tmp_path / "work/jobs" / _job().job_key[:16] / "sft"
        write_shape(stage, BatchShape(4, 2))
        script(tmp_path, "die")
        await warehouse.training_jobs.put(_job())
        worker = _worker(warehouse, tmp_path)
        worker.run_child = child_runner(60.0, COMMAND, Watch)
        async with _running(worker):
            await _until(warehouse, _job(), JobState.DONE)
        assert read_shape(stage, BatchShape(4, 2)).micro_batch == micro_batch

    async def test_a_silent_training_is_ended(self, warehouse: Warehouse, tmp_path: Path) -> None:
        script(tmp_path, "silence")
        await warehouse.training_jobs.put(_job())
        async with _running(_worker(warehouse, tmp_path, stall_seconds=20.0)):
            await _until(warehouse, _job(), JobState.DONE)
        first, _ = starts(tmp_path)
        with pytest.raises(ProcessLookupError):
            os.kill(first, 0)


class TestTwoWorkers:
    async def test_the_second_of_a_machine_waits(self, warehouse: Warehouse, tmp_path: Path) -> None:
        script(tmp_path, "wait")
        for number in (1, 2):
            await warehouse.training_jobs.put(_job(number))
        first, second = (_worker(warehouse, tmp_path) for _ in range(2))
        async with _running(first):
            await _until_started(tmp_path, 1)
            async with _running(second), asyncio.timeout(_SECONDS):
                while not second.state.startswith("standby"):
                    await asyncio.sleep(0.02)
                with pytest.raises(DeviceBusy), locked_device(tmp_path / "work"):
                    pass
        assert len(starts(tmp_path)) == 1

    async def test_what_a_dead_worker_elsewhere_left_is_taken_over(
        self, warehouse: Warehouse, tmp_path: Path
    ) -> None:
        await warehouse.training_jobs.put(_job())
        await warehouse.training_jobs.claim(_job(), "a worker that died")
        async with _running(_worker(warehouse, tmp_path)):
            done = await _until(warehouse, _job(), JobState.DONE)
        assert done.attempts == 2

    async def test_what_a_living_worker_elsewhere_has_is_left_alone(
        self, warehouse: Warehouse, tmp_path: Path
    ) -> None:
        script(tmp_path, "wait")
        await warehouse.training_jobs.put(_job())
        async with _running(_worker(warehouse, tmp_path, "one")):
            await _until_started(tmp_path, 1)
            async with _running(_worker(warehouse, tmp_path, "two")):
                seen = await warehouse.training_jobs.get(_job().job_key)
                assert seen is not None
                async with asyncio.timeout(_SECONDS):  # several leases long
                    while (
                        job := await warehouse.training_jobs.get(_job().job_key)
                    ) and job.beat < seen.beat + 8:
                        await asyncio.sleep(0.05)
        assert len(starts(tmp_path)) == 1


class TestStopping:
    async def test_a_stopped_worker_ends_its_child_and_puts_the_job_back(
        self, warehouse: Warehouse, tmp_path: Path
    ) -> None:
        script(tmp_path, "wait")
        await warehouse.training_jobs.put(_job())
        async with _running(_worker(warehouse, tmp_path)):
            child = await _until_started(tmp_path, 1)
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)
        job = await warehouse.training_jobs.get(_job().job_key)
        assert job is not None
        assert job.state is JobState.WAITING
