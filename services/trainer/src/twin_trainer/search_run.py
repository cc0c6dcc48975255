"""A search as a job: every combination of its grid is trained and recorded, one after the other."""

import json
import shutil
from collections.abc import Callable

from twin_common.models import JobProgress
from twin_trainer.base_model import resolve_base
from twin_trainer.config import TrainingConfiguration
from twin_trainer.dataset import open_dataset
from twin_trainer.experiments import EXPERIMENTS, ExperimentLog, UnknownExperiment
from twin_trainer.job_protocol import JobSpec, Searched
from twin_trainer.progress import Progress, TrainedAdapter
from twin_trainer.search import Grid, combinations, search
from twin_trainer.sft import train_sft


def run_search(spec: JobSpec, tell: Callable[[JobProgress], None]) -> Searched:
    """Find the best combination; one that an earlier attempt finished is read from its record.

    Raises:
        TwinError: a person has to do something; the text says what.
        ServerUnavailable, DatasetGone: a later attempt may succeed.
    """
    job = spec.job
    grid: Grid = json.loads(job.grid)
    start = TrainingConfiguration.model_validate_json(job.configuration)
    dataset = open_dataset(spec.registry, job.dataset_location)
    records = ExperimentLog(spec.registry / EXPERIMENTS)
    numbers = {one.fingerprint: number for number, one in enumerate(combinations(start, grid), start=1)}

    def train(candidate: TrainingConfiguration) -> TrainedAdapter:
        number = numbers[candidate.fingerprint]
        name = f"{job.model_id}-{number}"
        if (finished := _finished(records, name)) is not None:
            return finished
        place = f"search {number} of {len(numbers)}"
        tell(JobProgress(phase=place))
        base = resolve_base(candidate)
        work = spec.work / str(number)
        with records.record(name, candidate, dataset.dataset_id, base.revision) as experiment:
            adapter = experiment.add(
                train_sft(candidate, dataset.folder, work, lambda progress: tell(_told(place, progress)))
            )
        shutil.rmtree(work, ignore_errors=True)  # only its losses are of use
        return adapter

    trials = search(start, grid, train, spec.registry)
    shutil.rmtree(spec.work, ignore_errors=True)
    best = trials[0]
    return Searched(tried=len(trials), best=best.values_of(grid), held_out_loss=best.held_out_loss)


def _finished(records: ExperimentLog, name: str) -> TrainedAdapter | None:
    try:
        record = records.read(name)
    except UnknownExperiment:
        return None
    return record.stages[0] if record.outcome == "finished" else None


def _told(place: str, progress: Progress) -> JobProgress:
    return JobProgress(
        phase=place,
        step=progress.step,
        steps=progress.steps,
        loss=progress.loss,
        tokens_per_second=progress.tokens_per_second,
        seconds_left=progress.seconds_left,
    )
