"""`twin keys`: who may use an author's twin over the API."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from twin_common.clock import utc_now
from twin_common.identity import AuthorId
from twin_common.warehouse import Warehouse
from twin_local.cli.options import AuthorOption
from twin_local.connection import Connection
from twin_local.errors import PlatformError

if TYPE_CHECKING:
    from twin_rag_api.auth import ApiKeys

console = Console(highlight=False)
Answer = TypeVar("Answer")


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    keys = typer.Typer(help="The API keys that open an author's twin.", no_args_is_help=True)
    keys.command("create")(create)
    keys.command("list")(list_keys)
    keys.command("revoke")(revoke)
    app.add_typer(keys, name="keys")


def create(
    label: Annotated[str, typer.Argument(help="What it is for, such as: phone.")],
    author: AuthorOption = None,
    days: Annotated[int | None, typer.Option(min=1, help="It expires after so many days.")] = None,
) -> None:
    """Make a key; it is shown this once."""
    expires_at = utc_now() + timedelta(days=days) if days else None
    author_id, key = _ask(author, lambda keys, author_id: keys.create(author_id, label, expires_at))
    console.print(f"API key {label!r} of {author_id}, {_until(expires_at)}:")
    console.print(key, soft_wrap=True)


def list_keys(author: AuthorOption = None) -> None:
    """Show an author's keys; the keys themselves are stored nowhere."""
    author_id, records = _ask(author, lambda keys, author_id: keys.all(author_id))
    table = Table("key", "label", "made", "state", title=f"API keys of {author_id}")
    now = utc_now()
    for record in records:
        state = _until(record.expires_at)
        if record.revoked_at is not None:
            state = f"revoked {record.revoked_at:%Y-%m-%d %H:%M}"
        elif not record.opens(now):
            state = f"expired {record.expires_at:%Y-%m-%d %H:%M}"
        table.add_row(record.key_id, record.label, f"{record.created_at:%Y-%m-%d %H:%M}", state)
    console.print(table)


def revoke(
    key: Annotated[str, typer.Argument(help="The key's id or label, as `twin keys list` shows them.")],
    author: AuthorOption = None,
) -> None:
    """Shut a key; within seconds it opens nothing any more."""
    author_id, count = _ask(author, lambda keys, author_id: keys.revoke(author_id, key))
    if not count:
        raise PlatformError(f"{author_id} has no valid key {key!r}: see twin keys list")
    console.print(f"Revoked {count} key{'s' if count > 1 else ''} of {author_id}.")


def _ask(
    author: str | None, question: "Callable[[ApiKeys, AuthorId], Awaitable[Answer]]"
) -> tuple[AuthorId, Answer]:
    """What the key collection answers about an author, and who that is."""
    from twin_rag_api.auth import ApiKeys

    connection = Connection.find()

    async def run() -> tuple[AuthorId, Answer]:
        async with Warehouse(connection.warehouse) as warehouse:
            author_id = connection.author(author)
            await warehouse.authors.get(author_id)
            return author_id, await question(ApiKeys(warehouse.database), author_id)

    return asyncio.run(run())


def _until(expires_at: datetime | None) -> str:
    return f"valid until {expires_at:%Y-%m-%d %H:%M} UTC" if expires_at else "valid until it is revoked"
