"""The only door to the network: each address is vetted, its name resolved once, and nothing else connected.

Scrapy asks the handler for every request there is: pages, redirects, retries, robots.txt, feeds, sitemaps.
Twisted asks the resolver for every connection, address literals included; it answers only what was vetted.
"""

import asyncio
from collections.abc import Sequence
from ipaddress import IPv4Address, ip_address
from typing import Any, Literal

from scrapy import Request
from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.crawler import Crawler
from scrapy.exceptions import CannotResolveHostError
from scrapy.http import Response
from twisted.internet import address as twisted_address
from twisted.internet.interfaces import IAddress, IHostnameResolver, IHostResolution
from zope.interface import implementer

from twin_common.link_guard import Address, LinkGuard, VettedUrl, resolve
from twin_crawler.bounded_heads import BoundedHeads

_DNS_TIMEOUT_SECONDS = 10.0


@implementer(IHostResolution)
class _Answer:
    """The resolution of a name that is already known; there is nothing to cancel."""

    def __init__(self, name: str) -> None:
        self.name = name

    def cancel(self) -> None:
        """Nothing is under way."""


@implementer(IHostnameResolver)
class VettedNames:
    """Resolves names for the link guard, and for Twisted only those that the guard let through."""

    def __init__(self, guard: LinkGuard) -> None:
        self._guard = guard
        self._addresses: dict[tuple[str, int], list[Address]] = {}

    async def admit(self, url: str) -> None:
        """Vet a link and what its name resolves to, and remember the answer for this crawl.

        Raises:
            ForbiddenLink: the guard refuses the link or an address of its host.
            CannotResolveHostError: the name does not resolve in time.
        """
        vetted = self._guard.vet_url(url)
        key = _key(vetted.host, vetted.port)
        if key not in self._addresses:
            self._addresses[key] = await self._resolve(vetted)

    def resolveHostName(  # noqa: N802 -- Twisted's name
        self,
        resolutionReceiver: Any,  # noqa: N803
        hostName: str,  # noqa: N803
        portNumber: int = 0,  # noqa: N803
        addressTypes: Sequence[type[IAddress]] | None = None,  # noqa: N803
        transportSemantics: Literal["TCP", "UDP"] = "TCP",  # noqa: N803
    ) -> _Answer:
        """Hand out the admitted addresses of a host and port; for any other there are none."""
        answer = _Answer(hostName)
        resolutionReceiver.resolutionBegan(answer)
        for address in self._addresses.get(_key(hostName, portNumber), ()):
            kind = (
                twisted_address.IPv4Address
                if isinstance(address, IPv4Address)
                else twisted_address.IPv6Address
            )
            resolutionReceiver.addressResolved(kind(transportSemantics, str(address), portNumber))
        resolutionReceiver.resolutionComplete()
        return answer

    async def _resolve(self, vetted: VettedUrl) -> list[Address]:
        try:
            async with asyncio.timeout(_DNS_TIMEOUT_SECONDS):
                found = await asyncio.to_thread(resolve, vetted.host, vetted.port)
        except (OSError, UnicodeError) as error:  # TimeoutError is an OSError
            raise CannotResolveHostError(f"{vetted.host} does not resolve: {error}") from error
        if vetted.trusted:
            return [ip_address(address.split("%", 1)[0]) for address in found]
        return self._guard.vet_addresses(vetted.url, found)


class GuardedDownloadHandler(HTTP11DownloadHandler):
    """Scrapy's HTTP handler behind the guard; it refuses to work without the guard's resolver."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._pool._factory = BoundedHeads
        from twisted.internet import reactor

        names = reactor.nameResolver
        if not isinstance(names, VettedNames):
            raise TypeError("the reactor resolves names past the link guard: install VettedNames first")
        self._names = names

    async def download_request(self, request: Request) -> Response:
        await self._names.admit(request.url)
        return await super().download_request(request)


def _key(host: str, port: int) -> tuple[str, int]:
    name = host.rstrip(".").lower()
    try:
        return (name if name.isascii() else name.encode("idna").decode()), port
    except UnicodeError:
        return name, port
