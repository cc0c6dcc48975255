"""The connection: a server that is away, and secrets in its address."""

import asyncio
import socket

import pytest

from twin_common.errors import ServerUnavailable
from twin_common.warehouse import Warehouse, WarehouseSettings


def _nobody_listens() -> WarehouseSettings:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    url = f"mongodb://ada:hunter2@127.0.0.1:{port}/?directConnection=true"
    return WarehouseSettings(url=url, timeout_seconds=0.2)


class TestServerAway:
    async def test_a_ping_says_so(self) -> None:
        async with Warehouse(_nobody_listens()) as warehouse:
            with pytest.raises(ServerUnavailable, match="the warehouse does not answer"):
                await warehouse.ping()

    async def test_waiting_goes_on_until_the_server_is_there(self) -> None:
        async with Warehouse(_nobody_listens()) as warehouse:
            waiting = asyncio.create_task(warehouse.wait_until_ready(interval_seconds=0.05))
            await asyncio.sleep(0.6)
            assert not waiting.done()
            waiting.cancel()


class TestServerThere:
    async def test_a_ping_passes_and_waiting_makes_the_indexes_that_reading_needs(
        self, warehouse: Warehouse
    ) -> None:
        await warehouse.ping()
        for name in ("articles", "posts", "code", "crawl_state", "crawl_runs"):
            assert "author_id_1" in await warehouse.database[name].index_information()


class TestSettings:
    def test_never_show_the_password(self) -> None:
        assert "hunter2" not in f"{_nobody_listens()!r} {_nobody_listens()}"
        assert "hunter2" not in _nobody_listens().model_dump_json()
