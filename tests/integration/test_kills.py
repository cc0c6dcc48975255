"""kill -9 in mid-flow, many times, and then the index equals the warehouse."""

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest
from pydantic import SecretStr
from qdrant_client import AsyncQdrantClient

from tests.integration.comparison import differences
from tests.integration.conftest import NO_RECONCILIATION, platform_on
from tests.integration.history import History
from twin_common.identity import parse_author_id
from twin_common.vector_index import VectorIndexSettings, connect
from twin_common.warehouse import Warehouse, WarehouseSettings
from twin_feature_stream.reconcile import compare
from twin_local.platform import Platform

_KILLS = int(os.environ.get("TWIN_TEST_KILLS", "5"))
_SETTLE_SECONDS = 120

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("victim", ["cdc", "feature-stream", "mongodb"])
async def test_the_index_equals_the_warehouse_after_kills(
    victim: str, apache_kafka: str, tmp_path: Path
) -> None:
    async with platform_on(apache_kafka, tmp_path / "home", **NO_RECONCILIATION) as platform:
        settings = WarehouseSettings(url=SecretStr(platform.environment["MONGODB_URL"]), timeout_seconds=2)
        client = connect(VectorIndexSettings(url=platform.environment["QDRANT_URL"]))
        async with Warehouse(settings) as warehouse:
            history = History(warehouse, parse_author_id("ada"), seed=7)
            stop = asyncio.Event()
            writing = asyncio.create_task(history.run(stop, pause_seconds=0.05))
            kills = await _kill_repeatedly(platform, victim)
            stop.set()
            await writing
            left = await _settled(warehouse, client)
        await client.close()
    assert kills >= _KILLS
    assert left == [], f"{len(left)} differences after {kills} kills of {victim}"


async def _kill_repeatedly(platform: Platform, victim: str) -> int:
    """Kill while documents are being written; each time wait until the victim is back."""
    kills, choice = 0, random.Random(victim)
    while kills < _KILLS:
        await asyncio.sleep(choice.uniform(0.3, 1.5))
        process = platform.processes[victim]
        if process.pid is None:
            continue
        os.kill(process.pid, signal.SIGKILL)
        kills += 1
        async with asyncio.timeout(60):
            while process.restarts < kills or await process.spec.ready():
                await asyncio.sleep(0.05)
    return kills


async def _settled(warehouse: Warehouse, client: AsyncQdrantClient) -> list[str]:
    """What differs once nothing moves any more, or after long enough to say that it will stay so."""
    for _ in range(_SETTLE_SECONDS):
        if not await compare(warehouse, client):
            break
        await asyncio.sleep(1)
    return await differences(warehouse, client)
