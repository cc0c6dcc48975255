"""`twin reconcile` and `twin reindex`: keep the index equal to the warehouse, and build it anew."""

import asyncio
import json
from typing import Annotated, Any

import typer
from rich.console import Console

from twin_common.vector_index import connect
from twin_common.warehouse import Warehouse
from twin_local.cli.options import JsonOption
from twin_local.connection import Connection

console = Console(highlight=False)
_CONFIRM_SECONDS = 60.0


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(reconcile)


def reconcile(
    check: Annotated[bool, typer.Option("--check", help="Only compare.")] = False,
    as_json: JsonOption = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Say what differs in each document.")] = False,
) -> None:
    """Compare the warehouse with the index, and send again what differs; exit 1 when --check finds any."""
    counts, documents = asyncio.run(_reconcile(Connection.find(), mending=not check))
    if as_json:
        print(json.dumps(counts | ({"documents": documents} if verbose else {})))
    else:
        if verbose:
            for entry in documents:
                console.print(f"  {entry['kind']} {entry['document_id']} {entry['reason']}", markup=False)
        console.print(", ".join(f"{count} {name}" for name, count in counts.items()))
        if not check and any(counts.values()):
            console.print("Sent again through the stream; 'twin reconcile --check' shows when it is mended.")
    if check and any(counts.values()):
        raise typer.Exit(1)


async def _reconcile(connection: Connection, *, mending: bool) -> tuple[dict[str, int], list[dict[str, Any]]]:
    from twin_feature_stream.message_sink import ConfirmedPublisher
    from twin_feature_stream.readiness import StopSignal
    from twin_feature_stream.reconcile import differences, mend

    counts = {"missing": 0, "stale": 0, "foreign": 0}
    documents: list[dict[str, Any]] = []
    client = connect(connection.vector_index)
    async with Warehouse(connection.warehouse) as warehouse:
        publisher = ConfirmedPublisher(connection.kafka, StopSignal(), _CONFIRM_SECONDS)
        async for part in differences(warehouse, client):
            for kind, count in part.counts.items():
                counts[kind] += count
            documents += part.described()
            if mending:
                await mend(part, publisher)
    await client.close()
    return counts, documents
