"""`twin erase`: an author, or one document, out of everything."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console

from twin_common.events import Message
from twin_common.identity import AuthorId, canonical_url, document_id, parse_author_id
from twin_common.vector_index import connect
from twin_common.warehouse import UnknownModel, Warehouse
from twin_local.cli.datasets import dataset_settings
from twin_local.cli.options import JsonOption
from twin_local.connection import Connection
from twin_local.errors import PlatformError
from twin_local.lineage import Descendant, forget_builds, made_from

console = Console(highlight=False)
_CONFIRM_SECONDS = 60.0


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(erase)


def erase(
    author: Annotated[str, typer.Argument(help="The author's id.")],
    *,
    document: Annotated[str | None, typer.Option(help="Only this document: its id or address.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    wait: Annotated[float, typer.Option(help="Seconds to wait for the index.")] = 120.0,
    as_json: JsonOption = False,
) -> None:
    """Erase an author, or one document, and prove that the index holds nothing of it; exit 1 if it does."""
    author_id = parse_author_id(author)
    what = f"the document {document} of {author_id}" if document else f"everything of the author {author_id}"
    if not yes:
        typer.confirm(f"Erase {what}? This cannot be undone.", abort=True)
    connection = Connection.find()
    erased = _document_id(author_id, document) if document else None
    report = asyncio.run(_erase(connection, author_id, erased, wait))
    registry = dataset_settings(connection.home).registry
    descendants = made_from(registry, author_id)
    # A model's answers are about documents that may be the erased one; what they cost is asked again.
    report["build_files"] = forget_builds(registry, author_id)
    if erased is not None:
        descendants = [entry for entry in descendants if not entry.documents or erased in entry.documents]
        asyncio.run(_mark_models(connection, descendants, erased))
    if erased is None:
        connection.home.forget_key(author_id)
    if as_json:
        made = [{"kind": entry.kind, "name": entry.name} for entry in descendants]
        print(json.dumps(report | {"made_from_it": made}))
    else:
        rows = ", ".join(f"{count} in {name}" for name, count in report["rows"].items()) or "none"
        console.print(f"Rows deleted in the warehouse: {rows}")
        console.print(f"Documents that index and event bus were told to forget: {report['documents']}")
        console.print(f"Points left in the index: {report['points_left']}")
        console.print(f"Files of dataset builds deleted: {report['build_files']}")
        for sentence in report["kept_by_topics"]:
            console.print(f"  {sentence}")
        for entry in descendants:
            console.print(
                f"  [yellow]made from it[/]: {entry.kind} {entry.name} in {entry.folder}", soft_wrap=True
            )
        if not descendants:
            console.print("No dataset and no model in the registry was made from it.")
    if report["points_left"]:
        raise PlatformError("the index is not done yet: run the command again when the stream has caught up")


async def _erase(
    connection: Connection, author_id: AuthorId, erased: str | None, wait_seconds: float
) -> dict[str, Any]:
    from twin_feature_stream.message_sink import ConfirmedPublisher
    from twin_feature_stream.readiness import StopSignal
    from twin_rag_api.erasure import Erasure

    publisher = ConfirmedPublisher(connection.kafka, StopSignal(), _CONFIRM_SECONDS)

    async def publish(messages: Sequence[Message]) -> None:
        await asyncio.to_thread(publisher.publish, messages)

    client = connect(connection.vector_index)
    async with Warehouse(connection.warehouse) as warehouse:
        erasure = Erasure(warehouse, client, publish)
        if erased is None:
            report = await erasure.erase_author(author_id, wait_seconds)
        else:
            report = await erasure.erase_document(erased, wait_seconds)
    await client.close()
    return asdict(report)


async def _mark_models(connection: Connection, descendants: Sequence[Descendant], erased: str) -> None:
    """Say of each model that was trained on the document that it should be trained anew."""
    async with Warehouse(connection.warehouse) as warehouse:
        for entry in descendants:
            if entry.kind == "model":
                with suppress(UnknownModel):  # trained for another platform
                    await warehouse.models.mark_erased(entry.name, (erased,))


def _document_id(author_id: AuthorId, given: str) -> str:
    try:
        return str(UUID(given))
    except ValueError:
        return document_id(author_id, canonical_url(given))
