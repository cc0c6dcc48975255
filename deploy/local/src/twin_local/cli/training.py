"""`twin train`: a model that writes like the author, from a dataset."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from twin_common.events import DatasetReady
from twin_common.identity import AuthorId
from twin_common.models import JobProgress, JobState, TrainingJob
from twin_common.warehouse import UnknownModel, Warehouse
from twin_local.cli.experiments import show_search
from twin_local.cli.options import AuthorOption, JsonOption
from twin_local.connection import Connection
from twin_local.errors import PlatformError
from twin_local.home import TwinHome

if TYPE_CHECKING:
    from twin_trainer.config import TrainingConfiguration

console = Console(highlight=False)
_LOOK_SECONDS = 0.5


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(train)


def train(
    author: AuthorOption = None,
    dataset: Annotated[
        str | None, typer.Option(help="A dataset's id; by default the author's newest.")
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help="Settings by the size of the base model, such as 135m or 8b.")
    ] = None,
    configuration: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A TOML file with settings of your own.")
    ] = None,
    search: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SETTING=VALUE,VALUE",
            help="Try every combination and keep the best as the default, instead of making a model; "
            "such as sft.learning_rate=1e-4,3e-4. May be given several times.",
        ),
    ] = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say how many steps, how much memory and time it takes.")
    ] = False,
    wait: Annotated[bool, typer.Option(help="Follow the training to its end.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Train a model on a dataset: line it up, follow it, and show what became of it."""
    from twin_trainer.search import combinations, read_grid

    settings = _configuration(preset, configuration)
    grid = read_grid(search or [], settings)
    if dry_run:
        _show_estimate(settings, _dataset_folder(TwinHome.default(), author, dataset), as_json=as_json)
        if grid and not as_json:
            console.print(f"  of each of {len(list(combinations(settings, grid)))} combinations, without DPO")
        return
    connection = Connection.find()
    asked = json.dumps(grid) if grid else ""
    job = asyncio.run(_train(connection, connection.author(author), dataset, settings, asked, wait=wait))
    if as_json:
        print(json.dumps({"model_id": job.model_id, "state": job.state, "reason": job.reason}))
    if job.state is JobState.PARKED:
        raise PlatformError(f"the training is parked: {job.reason}")


async def _train(
    connection: Connection,
    author_id: AuthorId,
    dataset_id: str | None,
    settings: "TrainingConfiguration",
    grid: str,
    *,
    wait: bool,
) -> TrainingJob:
    from twin_trainer.experiments import EXPERIMENTS, ExperimentLog
    from twin_trainer.requests import line_up

    dataset = _announced(connection.home, author_id, dataset_id)
    async with Warehouse(connection.warehouse) as warehouse:
        outcome = await line_up(warehouse, dataset, settings, "twin train", grid)
        jobs = await warehouse.training_jobs.all(author_id)
        job = next(job for job in jobs if (job.dataset_id, job.grid) == (dataset.dataset_id, grid))
        if outcome == "known" and await warehouse.training_jobs.retry(job.job_key):
            console.print("It was parked before; it is tried again.")
        elif outcome == "known":
            console.print("This was asked for before: the same data and settings make the same model.")
        doing = "Searching" if grid else "Training"
        console.print(f"{doing} [bold]{job.model_id}[/] on {dataset.dataset_id}", soft_wrap=True)
        if wait:
            job = await follow_training(warehouse, job.job_key)
        if job.state is JobState.DONE and grid:
            show_search(ExperimentLog(connection.home.registry / EXPERIMENTS), job.model_id, json.loads(grid))
        elif job.state is JobState.DONE:
            await _show_model(warehouse, job)
        return job


async def follow_training(warehouse: Warehouse, job_key: str) -> TrainingJob:
    """Show a training's progress until it ends or is parked; its last state."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("waiting for the trainer", total=None, figures="")
        while True:
            job = await warehouse.training_jobs.get(job_key)
            if job is None:
                raise PlatformError("the training is gone: was its author erased?")
            if job.state in (JobState.DONE, JobState.PARKED):
                return job
            told = job.progress
            if told is not None and job.state is JobState.RUNNING:
                progress.update(
                    task,
                    description=told.phase,
                    completed=told.step,
                    total=told.steps or None,
                    figures=_figures(told),
                )
            await asyncio.sleep(_LOOK_SECONDS)


def _figures(told: JobProgress) -> str:
    loss = f"loss {told.loss:.3f}" if told.loss is not None else ""
    speed = f"{told.tokens_per_second:,.0f} tokens/s" if told.tokens_per_second else ""
    left = f"{told.seconds_left / 60:.0f} min left" if told.seconds_left else ""
    return "  ".join(
        part for part in (f"{told.step}/{told.steps}" if told.steps else "", loss, speed, left) if part
    )


async def _show_model(warehouse: Warehouse, job: TrainingJob) -> None:
    try:
        record = await warehouse.models.get(job.model_id)
    except UnknownModel:
        return
    last = record.history[-1]
    console.print(f"[bold]{record.model_id}[/] is {record.stage}: {last.why}", soft_wrap=True)
    console.print(f"  its report: twin models report {record.model_id}")
    if record.stage == "evaluated":
        console.print(f"  let it answer: twin models approve {record.model_id} --reason '…'", soft_wrap=True)


def _configuration(preset: str | None, file: Path | None) -> "TrainingConfiguration":
    from twin_trainer.config import preset as find_preset
    from twin_trainer.config import read_configuration
    from twin_trainer.settings import TrainerSettings

    if file is not None:
        return read_configuration(file)
    return find_preset(preset) if preset else TrainerSettings(registry=TwinHome.default().registry).training


def _announced(home: TwinHome, author_id: AuthorId | None, dataset_id: str | None) -> DatasetReady:
    """What was announced of a dataset: the one named, else the author's newest."""
    from twin_feature_stream.datasets.registry import DatasetRegistry

    registry = DatasetRegistry(home.registry)
    if dataset_id is not None:
        version = registry.version(dataset_id)
    else:
        versions = registry.versions(author_id)
        if not versions:
            raise PlatformError("there is no dataset yet: twin dataset build")
        version = versions[-1]
    return version.event(registry.location(version.dataset_id))


def _dataset_folder(home: TwinHome, author: str | None, dataset_id: str | None) -> Path:
    from twin_common.identity import parse_author_id

    author_id = parse_author_id(author) if author else None
    return home.registry / _announced(home, author_id, dataset_id).location


def _show_estimate(settings: "TrainingConfiguration", rows_folder: Path, *, as_json: bool) -> None:
    from dataclasses import asdict

    from twin_trainer.estimate import estimate

    found = estimate(settings, rows_folder)
    if as_json:
        print(json.dumps(asdict(found)))
        return
    console.print(f"{settings.base_model}, {settings.method}, {found.parameters / 1e6:,.0f}M parameters")
    console.print(f"  trained: {found.trainable_parameters / 1e6:,.1f}M parameters")
    console.print(
        f"  data: {found.samples} samples, {found.pairs} pairs, {found.tokens_an_epoch:,} tokens an epoch"
    )
    console.print(f"  steps: {found.sft_steps} of SFT, {found.dpo_steps} of DPO")
    console.print(f"  memory: {found.memory_bytes / 1e9:,.1f} GB on each device, at most")
    console.print(f"  time: about {found.seconds / 60:,.0f} minutes")
