"""`twin status`: what is running, and where every document stands."""

import asyncio
import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from twin_local.cli.options import JsonOption
from twin_local.connection import Connection
from twin_local.status import AuthorCrawls, DocumentReport, PlatformStatus, document_report, platform_status

console = Console(highlight=False)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(status)


def status(
    document: Annotated[str | None, typer.Argument(help="Only this one: its id or address.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is running and where every document stands, or the way that one document went."""
    if document is not None:
        _show_documents(asyncio.run(document_report(Connection.find(), document)), as_json=as_json)
        return
    report = asyncio.run(platform_status(Connection.find()))
    if as_json:
        print(json.dumps({"documents": report.counts, "services": report.services}))
        return
    _show(report)


def _show_documents(reports: list[DocumentReport], *, as_json: bool) -> None:
    rows = [
        {
            "document_id": report.stored.document_id,
            "author_id": report.stored.author_id,
            "url": report.stored.url,
            "version": report.stored.version,
            "state": report.state.value,
            "reason": report.head.reason if report.head else None,
            "indexed_version": report.head.version if report.head else None,
            "chunks": report.head.chunk_count if report.head else 0,
            "way": [step.model_dump(mode="json") for step in report.way],
        }
        for report in reports
    ]
    if as_json:
        print(json.dumps(rows))
        return
    for row, report in zip(rows, reports, strict=True):
        facts = ("document_id", "author_id", "url", "version", "state", "reason", "indexed_version", "chunks")
        for name in facts:
            if row[name] is not None:
                console.print(f"{name}: {row[name]}", markup=False, soft_wrap=True)
        for step in report.way:
            console.print(f"  {step.stage:<11} {step.at.isoformat()}  +{step.seconds:.3f} s", markup=False)


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
