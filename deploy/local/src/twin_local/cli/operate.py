"""`twin status` and `twin reconcile`: look at a running platform, and mend it."""

import asyncio
import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from twin_common.warehouse import Warehouse
from twin_local.connection import Connection
from twin_local.status import AuthorCrawls, PlatformStatus, platform_status

console = Console(highlight=False)
_CONFIRM_SECONDS = 60.0
JsonOption = Annotated[bool, typer.Option("--json", help="For scripts.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(status)
    app.command()(reconcile)


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
    for crawls in report.crawls:
        _show_crawls(crawls)
    if report.notable:
        table = Table("state", "document", "reason", box=None)
        for document in report.notable:
            table.add_row(document.state.value, document.url, document.reason or "")
        console.print(table)


def _show_crawls(crawls: AuthorCrawls) -> None:
    newest, next_at = crawls.newest, crawls.next_at
    last = f"{newest.status} {newest.reported_at:%Y-%m-%d %H:%M} UTC" if newest else "never"
    coming = f", next {next_at:%Y-%m-%d %H:%M} UTC" if next_at else ""
    console.print(f"crawl of {crawls.author_id}: {last}{coming}")
    for link in crawls.paused:
        until = f"{link.paused_until:%Y-%m-%d %H:%M} UTC"
        console.print(f"  [yellow]paused[/] {link.url} until {until}: {link.detail}", soft_wrap=True)


def reconcile(
    check: Annotated[bool, typer.Option("--check", help="Only compare.")] = False, as_json: JsonOption = False
) -> None:
    """Compare the warehouse with the index, and send again what differs; exit 1 when --check finds any."""
    from twin_common.vector_index import connect
    from twin_feature_stream.message_sink import ConfirmedPublisher
    from twin_feature_stream.readiness import StopSignal
    from twin_feature_stream.reconcile import compare, mend

    async def run() -> dict[str, int]:
        connection = Connection.find()
        client = connect(connection.vector_index)
        async with Warehouse(connection.warehouse) as warehouse:
            difference = await compare(warehouse, client)
            if not check:
                publisher = ConfirmedPublisher(connection.kafka, StopSignal(), _CONFIRM_SECONDS)
                await mend(difference, publisher)
        await client.close()
        return difference.counts

    counts = asyncio.run(run())
    if as_json:
        print(json.dumps(counts))
    else:
        console.print(", ".join(f"{count} {name}" for name, count in counts.items()))
        if not check and any(counts.values()):
            console.print("Sent again through the stream; 'twin reconcile --check' shows when it is mended.")
    if check and any(counts.values()):
        raise typer.Exit(1)
