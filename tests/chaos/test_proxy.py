"""The proxy does to a connection what it says."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from tests.chaos.proxy import FAIR, Proxy, Weather
from twin_local.ports import LOOPBACK

_PATIENCE_SECONDS = 60


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(1024):
            writer.write(piece)
    except ConnectionError:
        pass
    finally:
        writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    """In front of a server that repeats what it hears."""
    server = await asyncio.start_server(_echo, LOOPBACK, 0)
    async with server, Proxy(server.sockets[0].getsockname()[1]) as proxy:
        yield proxy


class _Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, proxy: Proxy) -> "_Client":
        return cls(*await asyncio.open_connection(LOOPBACK, proxy.port))

    async def ask(self, text: bytes) -> bytes:
        self.writer.write(text)
        return await self.hear(len(text))

    async def hear(self, size: int) -> bytes:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await self._reader.readexactly(size)


async def _hears_nothing(client: _Client) -> bool:
    hearing = asyncio.create_task(client.hear(1))
    await asyncio.wait({hearing}, timeout=0.3)
    silent = not hearing.done()
    hearing.cancel()
    await asyncio.gather(hearing, return_exceptions=True)
    return silent


class TestFairWeather:
    async def test_every_byte_goes_through_both_ways(self, proxy: Proxy) -> None:
        client = await _Client.connect(proxy)
        sent = bytes(range(256)) * 1000
        assert await client.ask(sent) == sent

    async def test_an_end_is_passed_on(self, proxy: Proxy) -> None:
        client = await _Client.connect(proxy)
        client.writer.write_eof()
        with pytest.raises(asyncio.IncompleteReadError):
            await client.hear(1)


class TestFaults:
    async def test_a_reset_reaches_the_client_and_new_connections_work(self, proxy: Proxy) -> None:
        client = await _Client.connect(proxy)
        await client.ask(b"hello")
        proxy.reset()
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await client.hear(1)
        assert await (await _Client.connect(proxy)).ask(b"again") == b"again"

    async def test_a_refused_connection_gives_no_answer(self, proxy: Proxy) -> None:
        proxy.change(Weather(refuses=True))
        with pytest.raises((OSError, asyncio.IncompleteReadError)):
            await (await _Client.connect(proxy)).ask(b"hello")
        proxy.change(FAIR)
        assert await (await _Client.connect(proxy)).ask(b"hello") == b"hello"

    async def test_a_half_open_connection_stays_silent_for_ever_and_new_ones_work(self, proxy: Proxy) -> None:
        client = await _Client.connect(proxy)
        await client.ask(b"hello")
        proxy.forget()
        client.writer.write(b"lost")
        assert await _hears_nothing(client)
        assert await (await _Client.connect(proxy)).ask(b"again") == b"again"

    async def test_a_stalled_connection_loses_nothing(self, proxy: Proxy) -> None:
        client = await _Client.connect(proxy)
        await client.ask(b"hello")
        proxy.change(Weather(stalled=True))
        client.writer.write(b"late")
        assert await _hears_nothing(client)
        proxy.change(FAIR)
        assert await client.hear(4) == b"late"

    @pytest.mark.parametrize("weather", [Weather(delay_seconds=0.2), Weather(bytes_per_second=25)])
    async def test_a_slow_connection_takes_at_least_its_time(self, proxy: Proxy, weather: Weather) -> None:
        client = await _Client.connect(proxy)
        await client.ask(b"hello")
        proxy.change(weather)
        began = time.monotonic()
        assert await client.ask(b"hello") == b"hello"
        assert time.monotonic() - began >= 0.4  # there and back
