"""Which links the platform may fetch: a link is a stranger's text until its address has been vetted.

Use it twice: `vet_url` before a request and after every redirect, and `vet_addresses` on what the name
resolved to, connecting to nothing else. Checking a name and then letting the client resolve it again would
leave room for a second, different answer.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

from twin_common.errors import ForbiddenLink

Address = IPv4Address | IPv6Address

_PORTS = {"http": 80, "https": 443}
_MAX_URL = 2048
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*")
_LOCAL_SUFFIXES = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "home.arpa")

# What Python's `is_global` lets through although a packet may end inside.
_CARRIER_NETWORKS = tuple(
    map(
        ipaddress.ip_network,
        ("192.88.99.0/24", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "fec0::/10"),
    )
)


@dataclass(frozen=True)
class LinkPolicy:
    """What may be fetched."""

    ports: frozenset[int] = frozenset(_PORTS.values())
    trusted_endpoints: frozenset[str] = frozenset()
    """host:port pairs that the operator vouches for, such as a blog on the loopback of a demo."""


@dataclass(frozen=True)
class VettedUrl:
    """A link whose text is harmless; its address is still to be vetted, unless the operator vouches."""

    url: str
    host: str
    port: int
    trusted: bool


class LinkGuard:
    """Decides on links and addresses by one policy."""

    def __init__(self, policy: LinkPolicy = LinkPolicy()) -> None:
        self._policy = policy

    def vet_url(self, url: str) -> VettedUrl:
        """Check what the text of a link alone can tell.

        Raises:
            ForbiddenLink: another scheme, a user, an odd port, or a host that is not a plain public name
                or address.
        """
        if len(url) > _MAX_URL:
            raise ForbiddenLink(url[:200], "too_long", f"a link has at most {_MAX_URL} characters")
        if any(ord(character) <= 32 or ord(character) == 127 or character == "\\" for character in url):
            raise ForbiddenLink(url[:200], "malformed", "white space, control characters or backslashes")
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").rstrip("."), parts.port
        except ValueError as error:
            raise ForbiddenLink(url, "malformed", f"no address: {error}") from error
        if parts.scheme not in _PORTS:
            raise ForbiddenLink(url, "scheme", f"only http and https are fetched, not {parts.scheme!r}")
        if "@" in parts.netloc:
            raise ForbiddenLink(url, "userinfo", "a link that is fetched names no user")
        if not host:
            raise ForbiddenLink(url, "malformed", "no host")
        port = port or _PORTS[parts.scheme]
        if f"{host}:{port}" in self._policy.trusted_endpoints:
            return VettedUrl(url, host, port, trusted=True)
        if port not in self._policy.ports:
            raise ForbiddenLink(url, "port", f"port {port} is not among {sorted(self._policy.ports)}")
        self._vet_host(url, host)
        return VettedUrl(url, host, port, trusted=False)

    def vet_addresses(self, url: str, addresses: Iterable[str]) -> list[Address]:
        """Check what a host resolved to; connect to the answer and to nothing else.

        Raises:
            ForbiddenLink: no address at all, or any that is not public: a name that also points inside is
                not trusted half.
        """
        parsed = [ipaddress.ip_address(address.split("%", 1)[0]) for address in addresses]
        if not parsed:
            raise ForbiddenLink(url, "unresolved", "the host has no address")
        for address in parsed:
            if not is_public(address):
                raise ForbiddenLink(url, "private_address", f"the host's address {address} is not public")
        return parsed

    def _vet_host(self, url: str, host: str) -> None:
        try:
            self.vet_addresses(url, [str(ipaddress.ip_address(host))])
        except ValueError:
            pass
        else:
            return
        try:
            name = host.encode("idna").decode() if not host.isascii() else host
        except UnicodeError as error:
            raise ForbiddenLink(url, "malformed", f"the host is no name: {error}") from error
        if not _HOST.fullmatch(name):
            raise ForbiddenLink(url, "malformed", "the host is no name")
        last = name.rsplit(".", 1)[-1]
        if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", last):
            raise ForbiddenLink(url, "numeric_host", "a number that some systems read as an address")
        if "." not in name or name.endswith(tuple("." + suffix for suffix in _LOCAL_SUFFIXES)):
            raise ForbiddenLink(url, "local_name", "the name belongs to a local network")


def is_public(address: Address) -> bool:
    """Whether packets to this address leave for the public internet, and nowhere else."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if int(address) >> 32 == 0:  # the long deprecated ::a.b.c.d
            return False
    if any(address in network for network in _CARRIER_NETWORKS if network.version == address.version):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def resolve(host: str, port: int) -> list[str]:
    """Every address of a host; blocks, so call it in a thread.

    Raises:
        OSError: the name does not resolve.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
