"""`twin author`, `twin import`: what the owner has written, into the warehouse; `extract` shows it."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from twin_common.warehouse import Warehouse
from twin_local.authors import read_author_file, register_author
from twin_local.cli.options import AuthorOption
from twin_local.connection import Connection

if TYPE_CHECKING:
    from twin_crawler.failures import Failure
    from twin_crawler.source import Fetched

console = Console(highlight=False)
_NO_ADDRESS = "https://file.invalid/page"  # where a page out of a file stands, unless it names its address


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    authors = typer.Typer(help="The authors whose twins live here.", no_args_is_help=True)
    authors.command("add")(add_author)
    authors.command("list")(list_authors)
    app.add_typer(authors, name="author")
    app.command("import")(import_archive)
    app.command()(extract)


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
    file: Annotated[Path, typer.Argument(exists=True, readable=True, help="A zip file, a folder or a file.")],
    author: AuthorOption = None,
    format: Annotated[  # noqa: A002  # the option's name
        str, typer.Option(help="jsonl, linkedin, medium, substack or x.")
    ] = "jsonl",
    site: Annotated[
        str | None, typer.Option(help="Where the publication lives; Substack's export may not say.")
    ] = None,
) -> None:
    """Put an archive's documents into the warehouse; a bad entry is named, the rest goes in."""
    raise typer.Exit(asyncio.run(_import(Connection.find(), author, file, format, site)))


async def _import(
    connection: Connection, given: str | None, file: Path, format_name: str, site: str | None
) -> int:
    from twin_crawler.importing import import_file

    author_id = connection.author(given)
    async with Warehouse(connection.warehouse) as warehouse:
        await warehouse.authors.get(author_id)
        with _progress() as progress:
            task = progress.add_task("importing", total=None)

            def show(position: int, size: int) -> None:
                progress.update(task, total=size, completed=position)

            report = await import_file(file, author_id, warehouse, show, format=format_name, site=site)
    console.print(
        f"{report.inserted} new, {report.updated} changed, {report.unchanged} unchanged, "
        f"{report.bad_entry_count} bad entries"
    )
    for reason, count in sorted(report.left_out.items()):
        console.print(f"  left out: {count} × {reason}")
    for entry in report.bad_entries:
        console.print(f"  [yellow]{escape(entry.place)}[/]: {escape(entry.reason)}", soft_wrap=True)
    return 1 if report.bad_entry_count and not report.documents else 0


def extract(
    pages: Annotated[list[str], typer.Argument(help="HTML files and http(s) addresses.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Show what would be stored for each page, without storing it.

    The text is plain: the words of the stored Markdown, without its marks and link targets. Addresses are
    fetched as in a crawl: same guard, same limits, robots.txt obeyed. A page that gives nothing is named on
    standard error, and the others are shown; then the exit code is 1.
    """
    from twin_crawler.extraction import extract_file
    from twin_crawler.page_fetch import fetch_pages
    from twin_crawler.settings import CrawlerSettings
    from twin_crawler.source import Fetched

    addresses = [page for page in pages if page.startswith(("http://", "https://"))]
    answers = fetch_pages(addresses, CrawlerSettings().policy) if addresses else {}
    failed = False
    for page in pages:
        answer = answers[page] if page in answers else _read_page(Path(page))
        found: dict[str, str | None]
        if isinstance(answer, Fetched):
            found = extract_file(answer.body, answer.url, answer.content_type) | {"source": page}
            if found["canonical_url"] == _NO_ADDRESS:
                found["canonical_url"] = None
        else:
            found = {"source": page, "error": f"{answer.reason}: {answer.detail}"}
        if error := found.pop("error", None):
            failed = True
            Console(stderr=True, highlight=False).print(f"{page}: {error}", soft_wrap=True, markup=False)
        if "text" in found and as_json:
            typer.echo(json.dumps(found, ensure_ascii=False))
        elif found.get("text"):
            typer.echo(f"{found['title']}\n\n{found['text']}\n")
    if failed:
        raise typer.Exit(1)


def _read_page(path: Path) -> "Fetched | Failure":
    from twin_crawler.failures import Failure
    from twin_crawler.source import Fetched

    try:
        return Fetched(_NO_ADDRESS, 200, path.read_bytes())
    except (OSError, ValueError) as error:
        return Failure("unreadable", f"{type(error).__name__}: {error}")


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
