"""`twin dataset`: training data from what an author has published."""

import asyncio
import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from twin_common.vector_index import connect
from twin_common.warehouse import Warehouse
from twin_local.cli.options import AuthorOption, JsonOption
from twin_local.connection import Connection
from twin_local.home import TwinHome

if TYPE_CHECKING:
    from twin_feature_stream.datasets.build import Built
    from twin_feature_stream.datasets.registry import DatasetRegistry
    from twin_feature_stream.datasets.settings import DatasetSettings
    from twin_feature_stream.datasets.version import DatasetVersion

console = Console(highlight=False)
DatasetArgument = Annotated[str, typer.Argument(help="A dataset's id, as 'twin dataset list' shows it.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    datasets = typer.Typer(help="Training data from what an author has published.", no_args_is_help=True)
    datasets.command()(build)
    datasets.command("list")(list_datasets)
    datasets.command()(show)
    datasets.command()(diff)
    app.add_typer(datasets, name="dataset")


def build(author: AuthorOption = None, as_json: JsonOption = False) -> None:
    """Make a version of an author's dataset; the same text makes the same version, and nothing new."""
    connection = Connection.find()
    built = asyncio.run(build_dataset(connection, author))
    if as_json:
        print(json.dumps({"dataset_id": built.version.dataset_id, "is_new": built.is_new}))
        return
    if not built.is_new:
        console.print("Nothing has changed: this version was there already.")
    _show(built.version, _registry(connection.home))


async def build_dataset(connection: Connection, author: str | None) -> "Built":
    """Make a version of an author's dataset, and announce it if it is new.

    Raises:
        NotEnoughText: too little of the author's text is usable.
    """
    from twin_feature_stream.datasets.build import Builder
    from twin_feature_stream.datasets.hub import HubDatasets
    from twin_feature_stream.datasets.publishing import dataset_publisher
    from twin_feature_stream.datasets.registry import DatasetRegistry

    settings = dataset_settings(connection.home)
    client = connect(connection.vector_index)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    try:
        async with Warehouse(connection.warehouse) as warehouse:
            builder = Builder(
                client=client,
                warehouse=warehouse,
                registry=DatasetRegistry(settings.registry),
                settings=settings,
                publish=dataset_publisher(connection.kafka),
                hub=HubDatasets.of(settings),
            )
            with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
                task = progress.add_task("reading", total=1)

                def on_progress(step: str, done: int, total: int) -> None:
                    progress.update(task, description=step, completed=done, total=total)

                return await builder.build(connection.author(author), on_progress)
    finally:
        await client.close()


def list_datasets(author: AuthorOption = None, as_json: JsonOption = False) -> None:
    """Show every version, the oldest first."""
    from twin_common.identity import parse_author_id

    only = parse_author_id(author) if author else None
    versions = _registry(TwinHome.default()).versions(only)
    if as_json:
        print(json.dumps([_summary(version) for version in versions]))
        return
    if not versions:
        console.print("There is no dataset yet: twin dataset build")
        return
    table = Table("dataset", "made", "documents", "train", "test", "pairs", box=None)
    for version in versions:
        row = _summary(version)
        numbers = (str(row[name]) for name in ("documents", "train", "test", "pairs"))
        table.add_row(version.dataset_id, f"{version.created_at:%Y-%m-%d %H:%M}", *numbers)
    console.print(table)


def show(dataset_id: DatasetArgument, as_json: JsonOption = False) -> None:
    """Show what a version holds, what was left out and why."""
    registry = _registry(TwinHome.default())
    version = registry.version(dataset_id)
    if as_json:
        print(version.model_dump_json())
        return
    _show(version, registry)


def diff(one: DatasetArgument, other: DatasetArgument, as_json: JsonOption = False) -> None:
    """Show what the second version has more, and what it has no more."""
    from dataclasses import asdict

    from twin_feature_stream.datasets.dataset import difference

    registry = _registry(TwinHome.default())
    found = asdict(difference(registry.dataset(one), registry.dataset(other)))
    if as_json:
        print(json.dumps(found))
        return
    for name, ids in found.items():
        console.print(f"{name.replace('_', ' '):<18} {len(ids)}")
        for document in ids if name.endswith("documents") else ():
            console.print(f"  {document}")


def dataset_settings(home: TwinHome) -> "DatasetSettings":
    """As the environment says; the registry is in this machine's twin folder unless it names another."""
    from twin_feature_stream.datasets.settings import DatasetSettings

    settings = DatasetSettings()
    if "registry" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"registry": home.registry})


def _registry(home: TwinHome) -> "DatasetRegistry":
    from twin_feature_stream.datasets.registry import DatasetRegistry

    return DatasetRegistry(dataset_settings(home).registry)


def _summary(version: "DatasetVersion") -> dict[str, str | int]:
    rows = version.statistics.rows
    return {
        "dataset_id": version.dataset_id,
        "created_at": version.created_at.isoformat(),
        "documents": len(version.lineage.documents),
        "train": rows["instruct/train"],
        "test": rows["instruct/test"],
        "pairs": rows["preference/train"] + rows["preference/test"],
    }


def _show(version: "DatasetVersion", registry: "DatasetRegistry") -> None:
    statistics = version.statistics
    console.print(f"[bold]{version.dataset_id}[/]  {registry.path(version.dataset_id)}", soft_wrap=True)
    used = len(version.lineage.documents)
    console.print(f"  documents: {used} of {statistics.documents_read}")
    for title, counts in (
        ("rows", statistics.rows),
        ("kinds", statistics.kinds),
        ("categories", statistics.categories),
        ("documents left out", statistics.documents_dropped),
        ("samples left out", statistics.samples_dropped),
        ("pairs left out", statistics.pairs_dropped),
        ("redacted", statistics.redacted),
        ("model failures", statistics.model_failures),
    ):
        if counts:
            text = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
            console.print(f"  {title}: {text}", soft_wrap=True)
    for warning in statistics.warnings:
        console.print(f"  [yellow]{warning}[/]", soft_wrap=True)
