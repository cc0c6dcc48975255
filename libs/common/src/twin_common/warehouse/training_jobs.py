"""Trainings that were asked for: the collection `training_jobs`, a queue in which a job stands once.

No clock is compared with another: a worker counts up while it lives, and who waits watches the count.
"""

from typing import Any

from pymongo import ReturnDocument
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from twin_common.documents import AuthorSlug
from twin_common.models import JobProgress, JobState, TrainingJob
from twin_common.warehouse.erasures import Erasures


class TrainingJobs:
    """The queue; every step is one write that the server decides."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._jobs = database["training_jobs"]
        self._erasures = Erasures(database)

    async def create_indexes(self) -> None:
        await self._jobs.create_index("state")
        await self._jobs.create_index("author_id")

    async def put(self, job: TrainingJob) -> bool:
        """Line a job up. False: it stood there already, in whatever state, or the author was erased."""
        if await self._erasures.is_erased(job.author_id):
            return False
        try:
            await self._jobs.insert_one(job.model_dump(mode="python") | {"_id": job.job_key})
        except DuplicateKeyError:
            return False
        return True

    async def retry(self, job_key: str) -> bool:
        """Line a parked job up again; a person has mended what its reason named."""
        change = {"$set": {"state": JobState.WAITING.value, "reason": None, "attempts": 0, "holder": None}}
        match = {"_id": job_key, "state": JobState.PARKED.value}
        return (await self._jobs.update_one(match, change)).modified_count == 1

    async def get(self, job_key: str) -> TrainingJob | None:
        """One job, or None."""
        row = await self._jobs.find_one({"_id": job_key})
        return TrainingJob.model_validate(row) if row else None

    async def all(self, author_id: AuthorSlug) -> list[TrainingJob]:
        """The author's jobs, the newest first."""
        rows = await self._jobs.find({"author_id": author_id}).to_list()
        return sorted(map(TrainingJob.model_validate, rows), key=lambda job: job.created_at, reverse=True)

    async def in_state(self, state: JobState) -> list[TrainingJob]:
        """All jobs in a state, the oldest first."""
        rows = await self._jobs.find({"state": state.value}).to_list()
        return sorted(map(TrainingJob.model_validate, rows), key=lambda job: job.created_at)

    async def claim(self, job: TrainingJob, holder: str) -> TrainingJob | None:
        """Take a waiting job, or a running one whose holder has not moved since. None: too late."""
        match = {
            "_id": job.job_key,
            "state": job.state.value,
            "holder": job.holder,
            "beat": job.beat,
        }
        change = {
            "$set": {"state": JobState.RUNNING.value, "holder": holder, "reason": None},
            "$inc": {"beat": 1, "attempts": 1},
        }
        row = await self._jobs.find_one_and_update(match, change, return_document=ReturnDocument.AFTER)
        return TrainingJob.model_validate(row) if row else None

    async def renew(self, job_key: str, holder: str, progress: JobProgress | None) -> bool:
        """Say that the worker lives and how far it is. False: the job is another's, or gone."""
        match = {"_id": job_key, "holder": holder, "state": JobState.RUNNING.value}
        told = {"$set": {"progress": progress.model_dump()}} if progress else {}
        return (await self._jobs.update_one(match, told | {"$inc": {"beat": 1}})).matched_count == 1

    async def end(self, job_key: str, holder: str, state: JobState, reason: str | None = None) -> bool:
        """The worker is done with it, parks it or puts it back. False: it is another's."""
        match = {"_id": job_key, "holder": holder, "state": JobState.RUNNING.value}
        change = {"$set": {"state": state.value, "reason": reason, "holder": None}}
        return (await self._jobs.update_one(match, change)).modified_count == 1
