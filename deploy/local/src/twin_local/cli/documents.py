"""`twin status`: what is running, and where every document stands."""

import asyncio
import json

import typer
from rich.console import Console
from rich.table import Table

from twin_local.cli.options import JsonOption
from twin_local.connection import Connection
from twin_local.status import PlatformStatus, platform_status

console = Console(highlight=False)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(status)


def status(as_json: JsonOption = False) -> None:
    """Show what is running, and where every document stands."""
    report = asyncio.run(platform_status(Connection.find()))
    if as_json:
        print(json.dumps({"documents": report.counts, "services": report.services}))
        return
    _show(report)


def _show(report: PlatformStatus) -> None:
    for name, problem in report.services.items():
        console.print(f"  {'[green]✓' if problem == 'ready' else '[red]✗'}[/] {name:<15} {problem}")
    console.print("  ".join(f"{name}: {count}" for name, count in report.counts.items()))
    if report.notable:
        table = Table("state", "document", "reason", box=None)
        for document in report.notable:
            table.add_row(document.state.value, document.url, document.reason or "")
        console.print(table)
