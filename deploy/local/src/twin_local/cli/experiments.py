"""`twin experiments`: every training run, with what, where, how it went and what it cost."""

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from twin_local.cli.options import JsonOption
from twin_local.home import TwinHome

if TYPE_CHECKING:
    from twin_trainer.experiments import ExperimentLog

console = Console(highlight=False)


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
    """Show in what the runs differ."""
    from twin_trainer.experiments import differences

    log = _log()
    found = differences([log.read(run) for run in runs])
    if as_json:
        print(json.dumps(found, default=str))
        return
    table = Table("", *runs, box=None)
    for name, values in found.items():
        table.add_row(name, *map(str, values))
    console.print(table)


def _log() -> "ExperimentLog":
    from twin_trainer.experiments import ExperimentLog

    return ExperimentLog(TwinHome.default().registry / "experiments")
