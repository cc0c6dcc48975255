"""`twin demo`: the main job once, on the sample author, with the time of every stage."""

import asyncio
import shutil
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from twin_common.warehouse import Warehouse
from twin_local.api import ApiClient, Citation
from twin_local.authors import read_author_file, register_author
from twin_local.cli.ask import show_sources
from twin_local.cli.platform import quiet_logs, show_progress
from twin_local.connection import Connection
from twin_local.crawls import follow_run, request_crawl
from twin_local.errors import PlatformError
from twin_local.home import TwinHome
from twin_local.memory import MemoryWatch
from twin_local.platform import Platform, PlatformOptions
from twin_local.ports import LOOPBACK, free_port
from twin_local.site import serve_site
from twin_local.status import platform_status

console = Console(highlight=False)

# The sample site's feed and sitemap carry its address, as feeds and sitemaps must.
SAMPLE_SITE_PORT = 8099
_QUESTION = "How do you test that a database survives a kill?"
_INDEX_SECONDS = 120.0


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(demo)


def demo(
    samples: Annotated[Path, typer.Option(exists=True, file_okay=False)] = Path("samples"),
    question: Annotated[str, typer.Option(help="What to ask.")] = _QUESTION,
    running: Annotated[
        bool,
        typer.Option("--running", help="On the platform that runs, whose crawler reaches the sample blog."),
    ] = False,
) -> None:
    """Crawl the sample author, stream, index and ask; everything on this machine."""
    quiet_logs()
    asyncio.run(_demo_on_running(samples, question) if running else _demo(samples, question))


async def _demo(samples: Path, question: str) -> None:
    started = time.monotonic()
    home = TwinHome(TwinHome.default().path / "demo")
    shutil.rmtree(home.path, ignore_errors=True)
    home.path.mkdir(parents=True)
    site = f"{LOOPBACK}:{SAMPLE_SITE_PORT}"
    options = PlatformOptions(
        home,
        api_port=free_port(),
        environment={"CRAWLER_TRUSTED_ENDPOINTS": site, "CRAWLER_DOWNLOAD_DELAY_SECONDS": "0.1"},
    )
    memory = MemoryWatch()
    async with serve_site(samples / "site", LOOPBACK, SAMPLE_SITE_PORT), memory.watching():
        console.print("[bold]Start[/]: three small servers and four services")
        async with Platform(options, show_progress) as platform:
            show_stage("started", started)
            connection = Connection(home, platform.environment)
            await fill_with_samples(connection, samples)
            await _ask(connection, question)
            peak = memory.peak_bytes
    console.print(
        f"\nDone in {time.monotonic() - started:.1f} s; at most {peak / 1e6:,.0f} MB of memory in all. "
        "Your own: make up"
    )


async def _demo_on_running(samples: Path, question: str) -> None:
    connection = Connection.find()
    await fill_with_samples(connection, samples)
    await _ask(connection, question)


async def fill_with_samples(connection: Connection, samples: Path) -> None:
    """Crawl the blog, import the posts, and wait until all of it can be searched."""
    from twin_crawler.importing import import_file

    author = read_author_file(samples / "author.yaml")
    await register_author(connection, author)
    links = ", ".join(link.url for link in author.links)
    console.print(f"\n[bold]Crawl[/]: {links} by {author.name}")
    began = time.monotonic()
    async with Warehouse(connection.warehouse) as warehouse:
        run_id = await request_crawl(connection.kafka, author.author_id)
        report = await follow_run(warehouse, author.author_id, run_id, lambda _: None)
        counts = report.counts
        console.print(
            f"  {counts.inserted} documents from {counts.discovered} addresses, "
            f"{counts.bytes_received / 1e3:,.0f} kB, {counts.failed} failed"
        )
        for error in report.errors:
            console.print(f"  {error.reason}: {error.url}", soft_wrap=True)
        if not counts.inserted + counts.updated + counts.unchanged:
            raise PlatformError(f"the crawl of {links} brought no document")
        show_stage("crawled", began)
        began = time.monotonic()
        console.print("\n[bold]Import[/]: posts.jsonl")
        imported = await import_file(samples / "posts.jsonl", author.author_id, warehouse, lambda *_: None)
        console.print(f"  {imported.inserted} posts")
        show_stage("imported", began)
    began = time.monotonic()
    console.print("\n[bold]Stream[/]: warehouse → Kafka → clean, chunk, embed → index")
    await _wait_until_indexed(connection)
    show_stage("searchable", began)


async def _wait_until_indexed(connection: Connection) -> None:
    deadline = time.monotonic() + _INDEX_SECONDS
    while True:
        counts = (await platform_status(connection)).counts
        if not counts["pending"]:
            shown = ", ".join(
                f"{count} {name}" for name, count in counts.items() if count and name != "total"
            )
            console.print(f"  {counts['total']} documents: {shown}")
            return
        if time.monotonic() > deadline:
            raise PlatformError(
                f"{counts['pending']} documents are still not indexed after {_INDEX_SECONDS:.0f} s; "
                f"look into {connection.home.logs}"
            )
        await asyncio.sleep(0.25)


async def _ask(connection: Connection, question: str) -> None:
    began = time.monotonic()
    author_id = connection.author(None)
    console.print(f"\n[bold]Ask[/]: {question}\n")
    text: list[str] = []
    citations: list[Citation] = []
    async with ApiClient(connection.api_url, connection.key(author_id)) as client:
        async for piece in client.answer(question):
            if isinstance(piece, str):
                text.append(piece)
            else:
                citations = piece
    console.print("".join(text), markup=False)
    show_sources(citations)
    if not citations:
        raise PlatformError("the answer cites nothing")
    show_stage("answered", began)


def show_stage(name: str, began: float) -> None:
    """Say how long a stage took."""
    console.print(f"  [dim]{name} in {time.monotonic() - began:.1f} s[/]")
