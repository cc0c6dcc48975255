"""`twin reconcile` and `twin reindex`: keep the index equal to the warehouse, and build it anew."""

import asyncio
import json
from typing import Annotated, Any

import typer
from rich.console import Console

from twin_common.embedding import EmbeddingSettings
from twin_common.vector_index import connect
from twin_common.warehouse import Warehouse
from twin_local.cli.options import JsonOption
from twin_local.connection import Connection
from twin_local.errors import PlatformError
from twin_local.reindexing import Reindexing, Report

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)
_CONFIRM_SECONDS = 60.0
_QUESTIONS = 100


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(reconcile)
    app.command()(reindex)


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


def reindex(
    *,
    model: Annotated[str | None, typer.Option("--model", help="The encoder's name.")] = None,
    backend: Annotated[str, typer.Option(help="What runs it.")] = "sentence-transformers",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the build under way.")] = False,
    show: Annotated[bool, typer.Option("--status", help="Show every build.")] = False,
    rollback: Annotated[bool, typer.Option("--rollback", help="Return to the previous index.")] = False,
    abort: Annotated[bool, typer.Option("--abort", help="Give up the build under way.")] = False,
    finish: Annotated[bool, typer.Option("--finish", help="Delete the previous index.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Switch although less is found.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Build the index anew with another encoder, compare, and switch; nothing stops meanwhile."""
    steps = {"begin": model, "resume": resume, "show": show, "roll back": rollback}
    chosen = [step for step, wanted in (steps | {"abort": abort, "finish": finish}).items() if wanted]
    if len(chosen) != 1:
        raise PlatformError("say one of --model NAME, --resume, --status, --rollback, --abort and --finish")
    encoder = EmbeddingSettings.model_validate({"backend": backend, "model": model})
    report = asyncio.run(_reindex(Connection.find(), chosen[0], encoder, force=force))
    if as_json:
        print(json.dumps(report.as_dict()))
        return
    for role, build in report.builds.items():
        console.print(f"  {role:<9} {build.name}: {build.documents} documents, {build.chunks} chunks")
    for name in report.leftovers:
        console.print(f"  unused    {name}: delete it with 'twin reindex --abort'")


async def _reindex(connection: Connection, step: str, encoder: EmbeddingSettings, *, force: bool) -> Report:
    client = connect(connection.vector_index)
    async with Warehouse(connection.warehouse) as warehouse:
        work = Reindexing(client, warehouse)
        if step == "begin":
            await work.begin(encoder)
        if step in ("begin", "resume"):
            await _build_and_switch(work, force=force)
        elif step == "roll back":
            await work.roll_back()
        elif step == "abort":
            await work.abort()
        elif step == "finish":
            await work.finish()
        report = await work.report()
    await client.close()
    return report


async def _build_and_switch(work: Reindexing, *, force: bool) -> None:
    build = await work.next_build()
    errors.print(
        f"Building {build.name}. The local platform runs a feature-stream for it; elsewhere start one with "
        + " ".join(f"EMBEDDING_{key.upper()}={value}" for key, value in build.encoder.items() if value),
        soft_wrap=True,
    )
    await work.wait_until_caught_up(lambda sentence: errors.print(f"  {sentence}", markup=False))
    sample = await work.sample(EmbeddingSettings(), _QUESTIONS)
    errors.print(
        f"{sample.questions} questions: the own document is among the first ten in {sample.next_recall:.0%} "
        f"({sample.live_recall:.0%} before); both name the same documents in {sample.overlap:.0%}"
    )
    if not (sample.is_good or force):
        raise PlatformError(
            "the new index finds less than the old one: give it up with 'twin reindex --abort', or switch "
            "all the same with 'twin reindex --resume --force'"
        )
    await work.switch()
    errors.print("Switched. 'twin reindex --rollback' returns to the old index, '--finish' deletes it.")
