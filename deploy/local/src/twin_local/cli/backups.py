"""`twin backup` and `twin restore`: what must survive a lost disk, into a folder and back."""

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from twin_common.vector_index import connect
from twin_common.warehouse import Warehouse
from twin_local.backups import Backup, restore_backup, write_backup
from twin_local.cli.options import JsonOption
from twin_local.connection import Connection

console = Console(highlight=False)
FolderArgument = Annotated[Path, typer.Argument(help="The backup's folder.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(backup)
    app.command()(restore)


def backup(folder: FolderArgument, as_json: JsonOption = False) -> None:
    """Copy the warehouse and the index into a new folder; the platform goes on meanwhile."""
    _show(asyncio.run(_backup(Connection.find(), folder)), as_json=as_json)


def restore(folder: FolderArgument, as_json: JsonOption = False) -> None:
    """Put a backup into a platform without documents; 'twin reconcile --check' says when all is there."""
    _show(asyncio.run(_restore(Connection.find(), folder)), as_json=as_json)


async def _backup(connection: Connection, folder: Path) -> Backup:
    client = connect(connection.vector_index)
    try:
        async with Warehouse(connection.warehouse) as warehouse:
            return await write_backup(warehouse, client, folder)
    finally:
        await client.close()


async def _restore(connection: Connection, folder: Path) -> Backup:
    client = connect(connection.vector_index)
    try:
        async with Warehouse(connection.warehouse) as warehouse:
            return await restore_backup(warehouse, client, folder)
    finally:
        await client.close()


def _show(backup: Backup, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(asdict(backup)))
        return
    for title, counts in (("rows", backup.rows), ("points", backup.points)):
        for name, count in counts.items():
            console.print(f"  {count:>8} {title} of {name}")
