"""`twin up`: the platform on this machine until Ctrl-C."""

import asyncio
import logging
import os
import signal
from typing import Annotated

import structlog
import typer
from rich.console import Console

from twin_common.authors import Author
from twin_common.identity import parse_author_id
from twin_local.authors import register_author
from twin_local.connection import Connection
from twin_local.home import TwinHome
from twin_local.platform import Platform, PlatformOptions

console = Console(highlight=False)

_FIRST_AUTHOR = Author(author_id=parse_author_id("me"), name="Me")


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(up)


def up(
    port: Annotated[int, typer.Option(envvar="TWIN_PORT", help="Port of the web page and the API.")] = 8000,
) -> None:
    """Run the platform and the web page on this machine until Ctrl-C."""
    quiet_logs()
    asyncio.run(_up(PlatformOptions(TwinHome.default(), api_port=port, builds_datasets=True)))


async def _up(options: PlatformOptions) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    console.print(f"Starting the platform on {options.home.path}")
    async with Platform(options, show_progress) as platform:
        connection = Connection(options.home, platform.environment)
        if not options.home.api_keys():
            await register_author(connection, _FIRST_AUTHOR)
        for author_id, key in options.home.api_keys().items():
            console.print(f"\nOpen as [bold]{author_id}[/]: {platform.api_url}/#key={key}", soft_wrap=True)
        console.print(f"API: {platform.api_url}/docs   Logs: {options.home.logs}   Stop: Ctrl-C")
        await stop.wait()
        console.print("\nStopping")
    console.print("Stopped")


def show_progress(name: str, seconds: float) -> None:
    """A line for each process that got ready."""
    console.print(f"  [green]✓[/] {name:<15} {seconds:5.1f} s")


def quiet_logs() -> None:
    """Keep the supervisor's own log to warnings: a person is reading."""
    level = os.environ.get("LOG_LEVEL", "WARNING")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level)))
