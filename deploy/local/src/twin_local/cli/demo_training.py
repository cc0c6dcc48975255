"""`twin demo-train`: a twin of the sample author, from their texts to an answer under its own name."""

import asyncio
import shutil
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from twin_common.identity import AuthorId
from twin_common.models import JobState, ModelRecord, ModelStage, TrainingJob
from twin_common.warehouse import Warehouse
from twin_local.api import ApiClient
from twin_local.cli.datasets import build_dataset
from twin_local.cli.demo import SAMPLE_SITE_PORT, fill_with_samples, show_stage
from twin_local.cli.platform import quiet_logs, show_progress
from twin_local.cli.training import follow_training
from twin_local.connection import Connection
from twin_local.errors import PlatformError
from twin_local.home import TwinHome
from twin_local.memory import MemoryWatch
from twin_local.platform import TRAINER, Platform, PlatformOptions, services
from twin_local.ports import LOOPBACK, free_port
from twin_local.site import serve_site

console = Console(highlight=False)

_QUESTION = "How do you test that a database survives a kill?"
_DEPLOY_SECONDS = 180.0


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("demo-train")(demo_train)


def demo_train(
    samples: Annotated[Path, typer.Option(exists=True, file_okay=False)] = Path("samples"),
) -> None:
    """Train a small model on the sample author's texts, measure, approve and ask it; all on this machine."""
    quiet_logs()
    if TRAINER not in services():
        raise PlatformError("the training stack is not installed: make demo-train installs it")
    asyncio.run(_demo(samples))


async def _demo(samples: Path) -> None:
    started = time.monotonic()
    home = TwinHome(TwinHome.default().path / "demo-train")
    shutil.rmtree(home.path, ignore_errors=True)
    home.path.mkdir(parents=True)
    site = f"{LOOPBACK}:{SAMPLE_SITE_PORT}"
    environment = {
        "CRAWLER_TRUSTED_ENDPOINTS": site,
        "CRAWLER_DOWNLOAD_DELAY_SECONDS": "0.1",
        "TRAINER_CONFIGURATION": str((samples / "training/training.toml").absolute()),
        "TRAINER_EVALUATION": str((samples / "training/evaluation.toml").absolute()),
        "TRAINER_GATE": str((samples / "training/gate.toml").absolute()),
        "TRAINER_PAIRS": "12",
        "TRAINER_PAIR_TOKENS": "64",
    }
    options = PlatformOptions(home, api_port=free_port(), environment=environment)
    memory = MemoryWatch()
    async with serve_site(samples / "site", LOOPBACK, SAMPLE_SITE_PORT), memory.watching():
        console.print("[bold]Start[/]: three small servers and five services")
        async with Platform(options, show_progress) as platform:
            show_stage("started", started)
            connection = Connection(home, platform.environment)
            await fill_with_samples(connection, samples)
            await _learn(connection)
            peak = memory.peak_bytes
    minutes = (time.monotonic() - started) / 60
    console.print(f"\nDone in {minutes:.1f} min; at most {peak / 1e6:,.0f} MB of memory in all.")


async def _learn(connection: Connection) -> None:
    author_id = connection.author(None)
    began = time.monotonic()
    console.print("\n[bold]Dataset[/]: samples from what the author published; its event starts the training")
    built = await build_dataset(connection, None)
    rows = ", ".join(f"{count} {name}" for name, count in built.version.statistics.rows.items() if count)
    console.print(f"  {built.version.dataset_id}: {rows}")
    show_stage("built and announced", began)
    async with Warehouse(connection.warehouse) as warehouse:
        record = await _train(warehouse, author_id, built.version.dataset_id)
        await _approve(connection, warehouse, record)
    await _ask(connection, author_id, record.model_id)


async def _train(warehouse: Warehouse, author_id: AuthorId, dataset_id: str) -> ModelRecord:
    began = time.monotonic()
    console.print("\n[bold]Train[/]: SFT, preference pairs, DPO, merge, GGUF, evaluation, gate")
    job = await _job_of(warehouse, author_id, dataset_id)
    job = await follow_training(warehouse, job.job_key)
    if job.state is JobState.PARKED:
        raise PlatformError(f"the training is parked: {job.reason}")
    record = await warehouse.models.get(job.model_id)
    console.print(f"  {record.model_id}: {record.stage}, {record.history[-1].why}", soft_wrap=True)
    for name in ("perplexity", "control_perplexity", "bits_per_character", "delta", "longest_copied_words"):
        if name in record.figures:
            base = record.figures.get(f"base_{name}", float("nan"))
            console.print(f"  {name.replace('_', ' '):<22} {record.figures[name]:8.2f}   base {base:8.2f}")
    show_stage("trained and measured", began)
    return record


async def _job_of(warehouse: Warehouse, author_id: AuthorId, dataset_id: str) -> TrainingJob:
    """The training that the dataset's event starts, without a hand."""
    while True:
        for job in await warehouse.training_jobs.all(author_id):
            if job.dataset_id == dataset_id:
                return job
        await asyncio.sleep(0.25)


async def _approve(connection: Connection, warehouse: Warehouse, record: ModelRecord) -> None:
    began = time.monotonic()
    if record.stage is not ModelStage.EVALUATED:
        raise PlatformError(f"the gate did not let {record.model_id} through: {record.history[-1].why}")
    console.print("\n[bold]Approve[/]: a person's word, given here by the demo; the rest happens by itself")
    async with ApiClient(connection.api_url, connection.key(record.author_id)) as client:
        await client.post(f"/v1/models/{record.model_id}/approve", {"reason": "demo"})
        await _until_it_answers(client, record.model_id)
    for step in (await warehouse.models.get(record.model_id)).history:
        console.print(f"  {step.stage:<10} by {step.who}: {step.why}", soft_wrap=True, markup=False)
    show_stage("deployed", began)


async def _until_it_answers(client: ApiClient, model_id: str) -> None:
    deadline = time.monotonic() + _DEPLOY_SECONDS
    while f'"{model_id}"' not in await client.text("/v1/models", "application/json"):
        if time.monotonic() > deadline:
            raise PlatformError(f"{model_id} does not answer {_DEPLOY_SECONDS:.0f} s after its approval")
        await asyncio.sleep(0.25)


async def _ask(connection: Connection, author_id: AuthorId, model_id: str) -> None:
    began = time.monotonic()
    console.print(
        f"\n[bold]Ask {model_id}[/] (a small model: it imitates, and gets facts wrong): {_QUESTION}\n"
    )
    async with ApiClient(connection.api_url, connection.key(author_id)) as client:
        text = "".join(
            [piece async for piece in client.answer(_QUESTION, model_id) if isinstance(piece, str)]
        )
    if not text.strip():
        raise PlatformError("the trained model wrote nothing")
    console.print(text, markup=False)
    show_stage("answered", began)
