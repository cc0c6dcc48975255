"""`twin models`: the models that were trained for an author, and what is decided about them."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from twin_local.api import ApiClient
from twin_local.cli.options import AuthorOption, JsonOption
from twin_local.connection import Connection
from twin_local.errors import PlatformError
from twin_local.home import TwinHome

console = Console(highlight=False)
ModelArgument = Annotated[str, typer.Argument(help="A model's id, as 'twin models list' shows it.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it is kept with the decision.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    models = typer.Typer(help="Models that were trained for an author.", no_args_is_help=True)
    models.command("list")(list_models)
    for command in (show, report, lineage):
        models.command()(command)
    for verb, does in (
        ("approve", "Let a model that passed the gate answer questions."),
        ("reject", "Never let a model answer."),
        ("rollback", "Take a model out of service; the one before it answers again."),
    ):
        models.command(verb, help=does)(_decision(verb))
    app.add_typer(models, name="models")


def list_models(author: AuthorOption = None, as_json: JsonOption = False) -> None:
    """Show every model with its stage and figures, and trainings under way."""
    found = _get(author, "/v1/twins")
    if as_json:
        print(json.dumps(found))
        return
    if not found["twins"] and not found["trainings"]:
        console.print("Nothing was trained yet: twin dataset build, then twin train")
        return
    table = Table("model", "stage", "trained", "perplexity (base)", "share", "asked as", box=None)
    for twin in found["twins"]:
        figures = twin["figures"]
        perplexity = f"{figures.get('perplexity', 0):.1f} ({figures.get('base_perplexity', 0):.1f})"
        share = f"{twin['share']:.0%}" if twin["share"] else ""
        row = (twin["id"], twin["stage"], twin["created_at"][:16], perplexity, share)
        table.add_row(*row, twin["served_name"] or "")
    console.print(table)
    for training in found["trainings"]:
        where = training["reason"] or (training["progress"] or {}).get("phase", "")
        console.print(f"  {training['state']}: {training['id']}  {where}", soft_wrap=True)


def show(model_id: ModelArgument, author: AuthorOption = None, as_json: JsonOption = False) -> None:
    """Show every step of a model's life, with who and why, and its figures."""
    twins = _get(author, "/v1/twins")["twins"]
    found = next((twin for twin in twins if twin["id"] == model_id), None)
    if found is None:
        raise PlatformError(f"there is no model {model_id}: 'twin models list' shows all")
    if as_json:
        print(json.dumps(found))
        return
    console.print(
        f"[bold]{found['id']}[/], {found['stage']}, of {found['base_model']} on {found['dataset_id']}"
    )
    for step in found["history"]:
        console.print(
            f"  {step['at'][:16]}  {step['stage']:<11} {step['who']}: {step['why']}", soft_wrap=True
        )
    for name, value in sorted(found["figures"].items()):
        console.print(f"  {name.replace('_', ' '):<28} {value:.4g}")
    if found["erased_sources"]:
        count = len(found["erased_sources"])
        console.print(f"  [yellow]trained on {count} documents that were erased since: train anew[/]")


def report(
    model_id: ModelArgument,
    author: AuthorOption = None,
    html: Annotated[Path | None, typer.Option(help="Write the report with its plots as a page.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show how a model measured."""
    kind = "text/html" if html else "application/json" if as_json else "text/markdown"
    text = _call(author, lambda client: client.text(f"/v1/models/{model_id}/report", kind))
    if html is not None:
        html.write_text(text, encoding="utf-8")
        console.print(f"Written: {html}", soft_wrap=True)
        return
    print(text)


def lineage(model_id: ModelArgument) -> None:
    """Show what a model was made from: dataset, documents, base, configuration, code."""
    file = TwinHome.default().registry / "models" / model_id / "lineage.json"
    if not file.exists():
        raise PlatformError(f"{file} does not exist: 'twin models list' shows which models there are")
    print(file.read_text(encoding="utf-8"), end="")


def _decision(verb: str) -> Callable[..., None]:
    def decide(
        model_id: ModelArgument,
        reason: ReasonOption,
        author: AuthorOption = None,
        as_json: JsonOption = False,
    ) -> None:
        found = _call(author, lambda client: client.post(f"/v1/models/{model_id}/{verb}", {"reason": reason}))
        if as_json:
            print(json.dumps(found))
            return
        console.print(f"{found['id']} is {found['stage']}")

    return decide


def _get(author: str | None, path: str) -> Any:
    return json.loads(_call(author, lambda client: client.text(path, "application/json")))


def _call(author: str | None, ask: Callable[[ApiClient], Any]) -> Any:
    connection = Connection.find()
    author_id = connection.author(author)

    async def call() -> Any:
        async with ApiClient(connection.api_url, connection.key(author_id)) as client:
            return await ask(client)

    return asyncio.run(call())
