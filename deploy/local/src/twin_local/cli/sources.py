"""`twin author`, `twin import`: what the owner has written, into the warehouse."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from twin_common.errors import TwinError
from twin_common.warehouse import Warehouse
from twin_local.authors import read_author_file, register_author
from twin_local.connection import Connection

console = Console(highlight=False)
AuthorOption = Annotated[
    str | None, typer.Option("--author", help="Whose twin; needed when there are several.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    authors = typer.Typer(help="The authors whose twins live here.", no_args_is_help=True)
    authors.command("add")(add_author)
    authors.command("list")(list_authors)
    app.add_typer(authors, name="author")
    app.command("import")(import_archive)


def add_author(
    file: Annotated[Path, typer.Argument(help="YAML: author_id, name, links and more.")],
) -> None:
    """Register an author, or change one; this machine keeps the author's API key."""
    author = read_author_file(file)
    key = asyncio.run(register_author(Connection.find(), author))
    console.print(f"{author.name} ({author.author_id}) has {len(author.links)} links.")
    if author.schedule is not None:
        console.print(f"They are crawled by themselves: {author.schedule}")
    if key is not None:
        console.print(f"API key, kept in this machine's twin folder: {key}", soft_wrap=True)
    console.print(f"Next: twin crawl {author.author_id}")


def list_authors() -> None:
    """Show the registered authors."""

    async def run() -> None:
        async with Warehouse(Connection.find().warehouse) as warehouse:
            for author in await warehouse.authors.all():
                console.print(
                    f"{author.author_id}  {author.name}  {' '.join(link.url for link in author.links)}"
                )

    asyncio.run(run())


def import_archive(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    author: AuthorOption = None,
    format: Annotated[str, typer.Option(help="jsonl")] = "jsonl",  # noqa: A002  # the option's name
) -> None:
    """Put an archive's documents into the warehouse; a bad line is named, the rest goes in."""
    if format != "jsonl":
        raise TwinError(f"the format {format!r} is not known; use --format jsonl")
    raise typer.Exit(asyncio.run(_import(Connection.find(), author, file)))


async def _import(connection: Connection, given: str | None, file: Path) -> int:
    from twin_crawler.importing import import_file

    author_id = connection.author(given)
    async with Warehouse(connection.warehouse) as warehouse:
        await warehouse.authors.get(author_id)
        with _progress() as progress:
            task = progress.add_task("importing", total=None)

            def show(position: int, size: int) -> None:
                progress.update(task, total=size, completed=position)

            report = await import_file(file, author_id, warehouse, show)
    console.print(
        f"{report.inserted} new, {report.updated} changed, {report.unchanged} unchanged, "
        f"{report.bad_line_count} bad lines"
    )
    for line in report.bad_lines:
        console.print(f"  [yellow]line {line.number}[/]: {line.reason}")
    return 1 if report.bad_line_count and not report.documents else 0


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
