"""Lines up the training of a dataset."""

import asyncio
from typing import Literal

from twin_common.events import DatasetReady
from twin_common.models import JobState
from twin_common.warehouse import Warehouse
from twin_trainer.base_checks import UnfitBaseModel
from twin_trainer.base_model import base_revision
from twin_trainer.config import TrainingConfiguration
from twin_trainer.jobs import make_job

Outcome = Literal["lined_up", "known", "parked"]


async def line_up(
    warehouse: Warehouse,
    dataset: DatasetReady,
    configuration: TrainingConfiguration,
    requested_by: str,
    grid: str = "",
) -> Outcome:
    """Put the training of a dataset into the queue, in which equal trainings are one.

    A base model that cannot be trained parks it at once, with the remedy: nobody waits for a download to
    learn it.

    Args:
        grid: as `search.read_grid` writes it: the best of its values are looked for, and no model is made.

    Raises:
        ServerUnavailable: the Hub does not answer; asked again later it may.
        PyMongoError: likewise the warehouse.
    """
    try:
        revision = await asyncio.to_thread(base_revision, configuration)
    except UnfitBaseModel as error:
        job = make_job(dataset, configuration, f"unfit:{configuration.base_model}", requested_by, grid)
        parked = job.model_copy(update={"state": JobState.PARKED, "reason": str(error)})
        return "parked" if await warehouse.training_jobs.put(parked) else "known"
    job = make_job(dataset, configuration, revision, requested_by, grid)
    return "lined_up" if await warehouse.training_jobs.put(job) else "known"
