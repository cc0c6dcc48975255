"""The queue of trainings, against a real server."""

import asyncio
from datetime import UTC, datetime

from twin_common.identity import AuthorId
from twin_common.models import JobProgress, JobState, TrainingJob
from twin_common.warehouse import Warehouse

_ADA = AuthorId("ada")


def _job(key: str = "k", minute: int = 0) -> TrainingJob:
    return TrainingJob(
        job_key=key,
        author_id=_ADA,
        dataset_id="ada-d",
        dataset_location="datasets/ada-d",
        base_model="b",
        configuration="{}",
        requested_by="test",
        created_at=datetime(2026, 5, 1, 12, minute, tzinfo=UTC),
    )


class TestPutting:
    async def test_a_hundred_deliveries_are_one_job(self, warehouse: Warehouse) -> None:
        new = await asyncio.gather(*(warehouse.training_jobs.put(_job()) for _ in range(100)))
        assert sum(new) == 1
        assert await warehouse.training_jobs.in_state(JobState.WAITING) == [_job()]

    async def test_what_is_done_is_not_done_again(self, warehouse: Warehouse) -> None:
        jobs = warehouse.training_jobs
        await jobs.put(_job())
        await jobs.claim(_job(), "one")
        assert await jobs.end("k", "one", JobState.DONE)
        assert not await jobs.put(_job())
        assert await jobs.in_state(JobState.WAITING) == []

    async def test_an_erased_author_has_no_job(self, warehouse: Warehouse) -> None:
        await warehouse.training_jobs.put(_job("before"))
        await warehouse.erasures.erase_author(_ADA)
        assert not await warehouse.training_jobs.put(_job())
        assert await warehouse.training_jobs.all(_ADA) == []


class TestClaiming:
    async def test_of_many_workers_one_gets_the_job(self, warehouse: Warehouse) -> None:
        await warehouse.training_jobs.put(_job())
        claims = await asyncio.gather(
            *(warehouse.training_jobs.claim(_job(), f"worker-{number}") for number in range(10))
        )
        assert len([claim for claim in claims if claim]) == 1

    async def test_a_job_whose_worker_moved_cannot_be_taken(self, warehouse: Warehouse) -> None:
        jobs = warehouse.training_jobs
        await jobs.put(_job())
        seen = await jobs.claim(_job(), "one")
        assert seen is not None
        assert await jobs.renew("k", "one", JobProgress(phase="sft", step=1, steps=5))
        assert await jobs.claim(seen, "two") is None

    async def test_a_job_whose_worker_stands_still_can_and_the_first_one_is_told(
        self, warehouse: Warehouse
    ) -> None:
        jobs = warehouse.training_jobs
        await jobs.put(_job())
        seen = await jobs.claim(_job(), "one")
        assert seen is not None
        taken = await jobs.claim(seen, "two")
        assert taken is not None
        assert (taken.holder, taken.attempts) == ("two", 2)
        assert not await jobs.renew("k", "one", None)
        assert not await jobs.end("k", "one", JobState.DONE)


class TestParking:
    async def test_a_parked_job_says_why_and_waits_for_a_person(self, warehouse: Warehouse) -> None:
        jobs = warehouse.training_jobs
        await jobs.put(_job())
        await jobs.claim(_job(), "one")
        await jobs.end("k", "one", JobState.PARKED, "the dataset is gone")
        parked = await jobs.get("k")
        assert parked is not None
        assert (parked.state, parked.reason) == (JobState.PARKED, "the dataset is gone")
        assert await jobs.retry("k")
        assert not await jobs.retry("k")
        assert [job.job_key for job in await jobs.in_state(JobState.WAITING)] == ["k"]
