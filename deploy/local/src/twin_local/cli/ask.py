"""`twin ask` and `twin search`: use what is indexed, over the same API as everyone else."""

import asyncio
import json
import sys
from typing import Annotated

import typer
from rich.console import Console

from twin_local.api import ApiClient, Citation
from twin_local.cli.options import AuthorOption
from twin_local.connection import Connection

console = Console(highlight=False)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(ask)
    app.command()(search)


def ask(question: str, author: AuthorOption = None) -> None:
    """Ask the twin; the answer appears as it is written, its sources below."""
    asyncio.run(_ask(_client(author), question))


async def _ask(client: ApiClient, question: str) -> None:
    citations: list[Citation] = []
    async with client:
        async for piece in client.answer(question):
            if isinstance(piece, str):
                sys.stdout.write(piece)
                sys.stdout.flush()
            else:
                citations = piece
    sys.stdout.write("\n")
    show_sources(citations)


def show_sources(citations: list[Citation]) -> None:
    """The numbered sources of an answer."""
    if citations:
        console.print("\n[bold]Sources[/]")
    for citation in citations:
        console.print(
            f"  [{citation.number}] {citation.title} — {citation.url}", markup=False, soft_wrap=True
        )


def search(
    query: str,
    author: AuthorOption = None,
    limit: Annotated[int, typer.Option(min=1, max=50)] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Search the indexed passages."""

    async def run() -> list[dict[str, object]]:
        async with _client(author) as client:
            return await client.search(query, limit)

    results = asyncio.run(run())
    if as_json:
        print(json.dumps(results, ensure_ascii=False))
        return
    for result in results:
        console.print(f"[bold]{result['rank']}.[/] {result['title']}  {result['score']:.3f}", soft_wrap=True)
        console.print(f"   {result['url']}", soft_wrap=True)
        console.print(f"   {str(result['text'])[:300]}", markup=False)


def _client(author: str | None) -> ApiClient:
    connection = Connection.find()
    author_id = connection.author(author)
    return ApiClient(connection.api_url, connection.key(author_id))
