"""Prometheus itself, from Debian's package, asking a platform's services as in production."""

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.observability.rules import OBSERVABILITY
from twin_local.ports import LOOPBACK, free_port

CONFIGURATION = OBSERVABILITY / "prometheus/prometheus.yaml"
_SECONDS = 120
_POLL_SECONDS = 0.5


class PrometheusServer:
    """Answers questions about what it has scraped."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def get(self, path: str, **parameters: str) -> Any:
        """The `data` of an answer of the HTTP API."""
        answer = await self._client.get(f"/api/v1/{path}", params=parameters)
        body = answer.json()
        assert body["status"] == "success", f"{parameters}: {body['error']}"
        return body["data"]

    async def values(self, expression: str) -> list[float]:
        """The numbers that an expression gives now; what is no number is left out."""
        data = await self.get("query", query=expression)
        numbers = [float(sample["value"][1]) for sample in data["result"]]
        return [number for number in numbers if not math.isnan(number)]

    async def until_scraped(self, jobs: int) -> None:
        """Wait until every job was asked once more, from now on."""
        begin = time.time()
        await self.until(f"count(timestamp(up == 1) > {begin}) >= {jobs}")

    async def until(self, expression: str) -> None:
        """Wait until an expression gives numbers.

        Raises:
            TimeoutError: it did not.
        """
        missing = await self.without_data([expression])
        if missing:
            raise TimeoutError(f"{expression} gave no data within {_SECONDS} s")

    async def without_data(self, expressions: list[str]) -> list[str]:
        """Those of the expressions that give no number, however long one waits."""
        deadline = time.monotonic() + _SECONDS
        pending = expressions
        while True:
            pending = [expression for expression in pending if not await self.values(expression)]
            if not pending or time.monotonic() > deadline:
                return pending
            await asyncio.sleep(_POLL_SECONDS)


@asynccontextmanager
async def prometheus(folder: Path, ports: Mapping[str, int]) -> AsyncIterator[PrometheusServer]:
    """A server with our configuration and rules; every second it asks the job's port on the loopback."""
    _write_configuration(folder, ports)
    port = free_port()
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            "prometheus",
            f"--config.file={folder / 'prometheus.yaml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={LOOPBACK}:{port}",
            stdout=log,
            stderr=log,
        )
    try:
        async with httpx.AsyncClient(
            base_url=f"http://{LOOPBACK}:{port}", timeout=60, trust_env=False
        ) as client:
            await _until_ready(client, process)
            yield PrometheusServer(client)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _write_configuration(folder: Path, ports: Mapping[str, int]) -> None:
    configuration: dict[str, Any] = yaml.safe_load(CONFIGURATION.read_text())
    configuration["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    configuration["rule_files"] = [str(OBSERVABILITY / "rules/*.yaml")]
    for job in configuration["scrape_configs"]:
        del job["dns_sd_configs"]
        job["static_configs"] = [{"targets": [f"{LOOPBACK}:{ports[job['job_name']]}"]}]
    folder.mkdir()
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(configuration))


async def _until_ready(client: httpx.AsyncClient, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(_SECONDS):
        while True:
            assert process.returncode is None, "prometheus ended; its log is beside its data"
            with contextlib.suppress(httpx.TransportError):
                if (await client.get("/-/ready")).is_success:
                    return
            await asyncio.sleep(_POLL_SECONDS)
