"""The local vector server as a process of its own."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from twin_local.ports import LOOPBACK, free_port
from twin_local.processes import ManagedProcess, ProcessSpec, http_probe

_START_SECONDS = 120


def vector_spec(port: int, folder: Path, environment: dict[str, str]) -> ProcessSpec:
    """How it is started; its points are kept in `folder`."""
    command = [sys.executable, "-m", "twin_local.servers.vector", "--host", LOOPBACK]
    command += ["--port", str(port), "--storage-path", str(folder)]
    return ProcessSpec("vector", command, http_probe(f"{vector_url(port)}/readyz"), environment)


def vector_url(port: int) -> str:
    return f"http://{LOOPBACK}:{port}"


@asynccontextmanager
async def vector_server(folder: Path) -> AsyncIterator[str]:
    """Its address; it is started again when it ends."""
    port = free_port()
    process = ManagedProcess(vector_spec(port, folder / "data", {}), folder)
    await process.start()
    try:
        await process.wait_until_ready(_START_SECONDS)
        yield vector_url(port)
    finally:
        await process.stop()
