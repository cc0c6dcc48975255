"""`twin experiments`: every training run, with what, where, how it went and what it cost."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from twin_local.cli.options import JsonOption
from twin_local.home import TwinHome

if TYPE_CHECKING:
    from twin_trainer.experiments import Experiment, ExperimentLog
    from twin_trainer.progress import CurvePoint
    from twin_trainer.search import Grid

console = Console(highlight=False)
_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 24


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    experiments = typer.Typer(help="Every training run, to look at and compare.", no_args_is_help=True)
    experiments.command("list")(list_experiments)
    experiments.command()(compare)
    app.add_typer(experiments, name="experiments")


def list_experiments(as_json: JsonOption = False) -> None:
    """Show every run, the newest first."""
    runs = _log().list()
    if as_json:
        print(json.dumps([run.model_dump(mode="json") for run in runs]))
        return
    if not runs:
        console.print("There was no training yet: twin train")
        return
    table = Table("run", "started", "outcome", "base", "held-out loss", "minutes", "processor", box=None)
    for run in runs:
        loss = f"{run.held_out_loss:.3f}" if run.held_out_loss is not None else ""
        table.add_row(
            run.experiment_id,
            f"{run.started_at:%Y-%m-%d %H:%M}",
            run.outcome,
            run.configuration.base_model,
            loss,
            f"{run.duration_seconds / 60:.1f}",
            run.hardware.devices[0] if run.hardware.devices else run.hardware.processor,
        )
    console.print(table)


def compare(
    runs: Annotated[
        list[str], typer.Argument(help="Two runs or more, as 'twin experiments list' shows them.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Show in what the runs differ, and how their losses fell."""
    from twin_trainer.experiments import differences

    log = _log()
    records = [log.read(run) for run in runs]
    found = differences(records)
    if as_json:
        curves = {record.experiment_id: [asdict(point) for point in _curve(record)] for record in records}
        print(json.dumps({"differences": found, "curves": curves}, default=str))
        return
    table = Table("", *runs, box=None)
    for name, values in found.items():
        table.add_row(name, *map(str, values))
    table.add_section()
    losses = [[point.loss for point in _curve(record) if point.loss is not None] for record in records]
    held_out = [
        [point.held_out_loss for point in _curve(record) if point.held_out_loss is not None]
        for record in records
    ]
    table.add_row("loss", *map(_course, losses))
    table.add_row("held-out loss", *map(_course, held_out))
    console.print(table)


def _curve(record: "Experiment") -> "tuple[CurvePoint, ...]":
    """Of the supervised stage; a run that failed before it has none."""
    return record.stages[0].curve if record.stages else ()


def _course(losses: list[float]) -> str:
    """A line of bars from the first loss to the last, each as high as the loss, and both ends as numbers."""
    if not losses:
        return ""
    shown = (
        [losses[place * len(losses) // _WIDTH] for place in range(_WIDTH)] if len(losses) > _WIDTH else losses
    )
    low, high = min(losses), max(losses)
    steps = len(_BARS) - 1
    bars = (_BARS[round((loss - low) / (high - low) * steps) if high > low else 0] for loss in shown)
    return f"{losses[0]:.3f} {''.join(bars)} {losses[-1]:.3f}"


def show_search(log: "ExperimentLog", search_id: str, grid: "Grid") -> None:
    """Show what a search tried, the best first."""
    from twin_trainer.search import Trial

    runs = [run for run in log.list() if run.experiment_id.rpartition("-")[0] == search_id]
    trials = [(run, run.held_out_loss) for run in runs if run.held_out_loss is not None]
    table = Table("run", *grid, "held-out loss", "minutes", box=None)
    for run, loss in sorted(trials, key=lambda trial: trial[1]):
        values = Trial(run.configuration, loss).values_of(grid).values()
        minutes = f"{run.duration_seconds / 60:.1f}"
        table.add_row(run.experiment_id, *map(str, values), f"{loss:.3f}", minutes)
    console.print(table)
    console.print("The first is the default now, for trainings that start by themselves.")


def _log() -> "ExperimentLog":
    from twin_trainer.experiments import EXPERIMENTS, ExperimentLog

    return ExperimentLog(TwinHome.default().registry / EXPERIMENTS)
