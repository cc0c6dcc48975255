"""Answers whose head never ends: Twisted keeps every header it reads, as many as the line carries in time."""

from typing import Any

from scrapy.core.downloader.handlers.http11 import (
    _LenientHTTP11ClientFactory,
    _LenientHTTP11ClientProtocol,
)
from twisted.internet.interfaces import IAddress
from twisted.python.failure import Failure
from twisted.web._newclient import HEADER, STATUS

_MOST_HEAD_BYTES = 256 * 1024
"""Of status line and headers; browsers accept about as much."""


class HeadTooLarge(Exception):
    """A server sent more headers than any page needs."""


class _BoundedProtocol(_LenientHTTP11ClientProtocol):
    _head_bytes = 0

    def request(self, request: Any) -> Any:
        self._head_bytes = 0
        return super().request(request)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 -- Twisted's name
        if self._parser is not None and self._parser.state in (STATUS, HEADER):
            self._head_bytes += len(data)
            if self._head_bytes > _MOST_HEAD_BYTES:
                self._end()
                return
        super().dataReceived(data)  # type: ignore[no-untyped-call]

    def _end(self) -> None:
        reason = HeadTooLarge(f"the answer's head is larger than {_MOST_HEAD_BYTES:,} bytes")
        self.transport.abortConnection()  # type: ignore[union-attr]  # it is connected: something came
        self._disconnectParser(Failure(reason))  # type: ignore[no-untyped-call]


class BoundedHeads(_LenientHTTP11ClientFactory):
    """Scrapy's connections, each of which ends when the head of an answer grows too large."""

    def buildProtocol(self, addr: IAddress | None) -> _BoundedProtocol:  # noqa: N802 -- Twisted's name
        return _BoundedProtocol(self._quiescentCallback)  # type: ignore[no-untyped-call]
