"""A TCP proxy that misbehaves on command: it stands where the network between two processes would be."""

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass
from typing import Self

from twin_local.ports import LOOPBACK, free_port

_PIECE_BYTES = 65_536
_LINGER_ZERO = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Weather:
    """How the network behaves; the default is a fair day."""

    refuses: bool = False
    """New connections are reset at once."""
    delay_seconds: float = 0.0
    """Each piece of each direction waits this long; a piece is at most 64 KiB."""
    bytes_per_second: float | None = None
    """Of each direction of each connection; None: as fast as it goes."""
    stalled: bool = False
    """Nothing moves, new connections neither; what was under way goes on when it is over."""


FAIR = Weather()


class Proxy:
    """Forwards a port of the loopback to another; use it as an async context manager."""

    def __init__(self, target_port: int, port: int | None = None) -> None:
        self.port = port or free_port()
        self._target_port = target_port
        self._weather = FAIR
        self._moves = asyncio.Event()
        self._moves.set()
        self._connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.change(FAIR)
        self.reset()

    def change(self, weather: Weather) -> None:
        """From now on, for open connections too."""
        self._weather = weather
        if weather.stalled:
            self._moves.clear()
        else:
            self._moves.set()

    def reset(self) -> None:
        """Both ends of every open connection get a reset."""
        for connection in list(self._connections):
            connection.abort()

    def forget(self) -> None:
        """Every open connection becomes half-open: its server is gone, and the client never hears of it."""
        for connection in list(self._connections):
            connection.forget()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._moves.wait()
        if self._weather.refuses:
            _abort(writer)
            return
        try:
            server_reader, server_writer = await asyncio.open_connection(LOOPBACK, self._target_port)
        except OSError:
            _abort(writer)
            return
        connection = _Connection(writer, server_writer)
        self._connections.add(connection)
        try:
            await asyncio.gather(
                self._pump(connection, reader, server_writer), self._pump(connection, server_reader, writer)
            )
        finally:
            self._connections.discard(connection)
            for end in (writer, server_writer):
                end.close()

    async def _pump(
        self, connection: "_Connection", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(_PIECE_BYTES):
                await self._moves.wait()
                weather = self._weather
                if weather.delay_seconds:
                    await asyncio.sleep(weather.delay_seconds)
                if weather.bytes_per_second:
                    await asyncio.sleep(len(piece) / weather.bytes_per_second)
                if connection.forgotten:
                    continue
                writer.write(piece)
                await writer.drain()
        if not connection.forgotten:
            with contextlib.suppress(OSError):
                writer.write_eof()


class _Connection:
    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.forgotten = False
        self._client = client
        self._server = server

    def abort(self) -> None:
        _abort(self._client)
        _abort(self._server)

    def forget(self) -> None:
        self.forgotten = True
        _abort(self._server)


def _abort(writer: asyncio.StreamWriter) -> None:
    """Close with a reset instead of an orderly end."""
    connected: socket.socket | None = writer.get_extra_info("socket")
    if connected is not None:
        with contextlib.suppress(OSError):
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
    writer.transport.abort()
