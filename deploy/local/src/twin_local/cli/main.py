"""The entry point; each group of commands registers here."""

import sys

import typer
from rich.console import Console

from twin_common.errors import TwinError
from twin_local.cli import (
    ask,
    backups,
    crawl,
    datasets,
    dead_letters,
    demo,
    demo_training,
    documents,
    erasure,
    experiments,
    index,
    keys,
    models,
    platform,
    sources,
    training,
)

app = typer.Typer(
    help="The platform that learns to write like you, on this machine or elsewhere.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for group in (
    platform,
    demo,
    demo_training,
    sources,
    crawl,
    ask,
    keys,
    documents,
    index,
    dead_letters,
    erasure,
    datasets,
    training,
    models,
    backups,
    experiments,
):
    group.register(app)


def main() -> None:
    """Run the command; what goes wrong is told in a sentence, with exit code 1."""
    try:
        app()
    except TwinError as error:
        Console(stderr=True).print(f"[bold red]twin:[/] {error}", highlight=False)
        sys.exit(1)
