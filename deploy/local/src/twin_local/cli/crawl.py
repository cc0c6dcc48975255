"""`twin crawl`: fetch what an author publishes, and watch it."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from twin_common.events import CrawlReported, LinkReport, LinkStatus, OutcomeCounts, RunStatus
from twin_common.warehouse import Warehouse
from twin_local.connection import Connection
from twin_local.crawls import follow_run, request_crawl

console = Console(highlight=False)
_COLOURS = {LinkStatus.DONE: "green", LinkStatus.FAILED: "red", LinkStatus.PAUSED: "yellow"}


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command()(crawl)


def crawl(
    author: Annotated[str | None, typer.Argument(help="Whose links.")] = None,
    link: Annotated[list[str] | None, typer.Option(help="Only this link; may be repeated.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what would be fetched.")] = False,
) -> None:
    """Crawl an author's links and show what became of each."""
    report = asyncio.run(_crawl(Connection.find(), author, tuple(link or ()), dry_run))
    if dry_run:
        _show_plan(report)
    else:
        _show_outcome(report)
    for error in report.errors:
        console.print(f"  [yellow]{error.reason}[/] {error.url}: {error.detail}", soft_wrap=True)
    if report.status is RunStatus.FAILED:
        raise typer.Exit(1)


async def _crawl(
    connection: Connection, given: str | None, links: tuple[str, ...], dry_run: bool
) -> CrawlReported:
    author_id = connection.author(given)
    async with Warehouse(connection.warehouse) as warehouse:
        await warehouse.authors.get(author_id)
        run_id = await request_crawl(connection.kafka, author_id, links, dry_run)
        with _LinkBars() as bars:
            return await follow_run(warehouse, author_id, run_id, bars.show)


class _LinkBars:
    """A progress bar for the whole crawl and one for each link."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[state]}"),
            console=Console(stderr=True),
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "_LinkBars":
        self._progress.start()
        self._update("", "waiting for the crawler", OutcomeCounts(), "")
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, report: CrawlReported) -> None:
        """Show the newest report."""
        self._update("", "crawling", report.counts, f"{report.counts.bytes_received / 1e6:.1f} MB")
        for link in report.links:
            state = "" if link.status is LinkStatus.CRAWLING else f"{link.status} {link.reason or ''}"
            self._update(link.url, f"  {link.url[:50]}", link.counts, state)

    def _update(self, key: str, description: str, counts: OutcomeCounts, state: str) -> None:
        if key not in self._tasks:
            self._tasks[key] = self._progress.add_task(description, total=None, state=state)
        self._progress.update(
            self._tasks[key],
            description=description,
            total=counts.discovered or None,
            completed=counts.handled,
            state=state,
        )


def _show_plan(report: CrawlReported) -> None:
    for page in report.planned:
        console.print(f"{'again' if page.known else 'new':<6} {page.url}", soft_wrap=True)
    skipped = f", {report.counts.skipped} need no look by their dates" if report.counts.skipped else ""
    console.print(f"{report.status}: {len(report.planned)} pages would be fetched{skipped}")


def _show_outcome(report: CrawlReported) -> None:
    counts = report.counts
    seconds = (report.reported_at - report.started_at).total_seconds()
    console.print(f"{report.status}: {_in_words(counts)}, {counts.bytes_received:,} bytes in {seconds:.1f} s")
    table = Table("", "", "outcome", "why", box=None, show_header=False)
    for link in report.links:
        table.add_row(f"[{_COLOURS.get(link.status, 'white')}]{link.status}[/]", link.url, *_outcome_of(link))
    for kind, by_name in (("domain", report.domains), ("category", report.categories)):
        for name, outcomes in by_name.items():
            table.add_row(kind, name, _in_words(outcomes), "")
    console.print(table)


def _outcome_of(link: LinkReport) -> tuple[str, str]:
    until = f" until {link.paused_until:%Y-%m-%d %H:%M} UTC" if link.paused_until else ""
    return _in_words(link.counts), f"{link.reason or ''}{until} {link.detail or ''}".strip()


def _in_words(counts: OutcomeCounts) -> str:
    named = {
        "new": counts.inserted,
        "changed": counts.updated,
        "unchanged": counts.unchanged,
        "gone once": counts.gone_once,
        "deleted": counts.deleted,
        "failed": counts.failed,
    }
    return ", ".join(f"{count} {name}" for name, count in named.items() if count) or "nothing"
