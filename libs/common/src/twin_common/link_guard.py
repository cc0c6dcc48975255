"""Which links the platform may fetch: a link is a stranger's text until its address has been vetted.

Use it twice: `vet_url` before a request and after every redirect, and `vet_addresses` on what the name
resolved to, connecting to nothing else. Checking a name and then letting the client resolve it again would
leave room for a second, different answer.
"""

import ipaddress
import re
import socket
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

from twin_common.errors import ForbiddenLink

Address = IPv4Address | IPv6Address

_PORTS = {"http": 80, "https": 443}
_MAX_URL = 2048
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*")
_NETLOC = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\[\]:@%]+)(?::(?:0|[1-9][0-9]*)?)?")
_NUMBER = re.compile(r"(?:^|\.)(?:\d+|0x[0-9a-f]*)$")  # digits of any script
_UNPRINTABLE = frozenset(("Cc", "Cs", "Zs", "Zl", "Zp"))
_LOCAL_SUFFIXES = (
    *("localhost", "localdomain", "local", "internal", "intranet", "private", "lan", "home", "corp"),
    *("svc", "home.arpa"),
)

# What `is_global` of one Python 3.11 or another lets through although a packet may end inside: IANA's
# protocol assignments, 6to4, Teredo and documentation, and the address of Azure's metadata server.
_INSIDE_NETWORKS = tuple(
    map(
        ipaddress.ip_network,
        ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32", "2001::/23", "2002::/16", "3fff::/20"),
    )
)
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")


@dataclass(frozen=True)
class LinkPolicy:
    """What may be fetched."""

    ports: frozenset[int] = frozenset(_PORTS.values())
    trusted_endpoints: frozenset[str] = frozenset()
    """host:port pairs, in lower case, that the operator vouches for: the blog on a demo's loopback."""


@dataclass(frozen=True)
class VettedUrl:
    """A link whose text is harmless; its address is still to be vetted, unless the operator vouches."""

    url: str
    host: str
    """ASCII and lower case; an IPv6 address stands without its brackets."""
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
        if any(unicodedata.category(sign) in _UNPRINTABLE or sign == "\\" for sign in url):
            raise ForbiddenLink(url[:200], "malformed", "white space, control characters or backslashes")
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").removesuffix("."), parts.port
        except ValueError as error:
            raise ForbiddenLink(url, "malformed", f"no address: {error}") from error
        if parts.scheme not in _PORTS:
            raise ForbiddenLink(url, "scheme", f"only http and https are fetched, not {parts.scheme!r}")
        if "@" in parts.netloc:
            raise ForbiddenLink(url, "userinfo", "a link that is fetched names no user")
        if not host:
            raise ForbiddenLink(url, "malformed", "no host")
        if not _NETLOC.fullmatch(parts.netloc):
            raise ForbiddenLink(url, "malformed", "host and port are not plainly written")
        address = _parse_address(host)
        if address is None:
            host = _vet_name(url, host)
        port = _PORTS[parts.scheme] if port is None else port
        endpoint = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        if endpoint in self._policy.trusted_endpoints:
            return VettedUrl(url, host, port, trusted=True)
        if port not in self._policy.ports:
            raise ForbiddenLink(url, "port", f"port {port} is not among {sorted(self._policy.ports)}")
        if address is not None:
            self.vet_addresses(url, [host])
        else:
            _refuse_local_name(url, host)
        return VettedUrl(url, host, port, trusted=False)

    def vet_addresses(self, url: str, addresses: Iterable[str]) -> list[Address]:
        """Check what a host resolved to; connect to the answer and to nothing else.

        Raises:
            ForbiddenLink: no address at all, or any that is not public: a name that also points inside is
                not trusted half.
        """
        vetted: list[Address] = []
        for text in addresses:
            address = _parse_address(text.split("%", 1)[0])
            if address is None or not is_public(address):
                raise ForbiddenLink(url, "private_address", f"the host's address {text} is not public")
            vetted.append(address)
        if not vetted:
            raise ForbiddenLink(url, "unresolved", "the host has no address")
        return vetted


def is_public(address: Address) -> bool:
    """Whether packets to this address leave for the public internet, and nowhere else."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address not in _GLOBAL_UNICAST:
            return False
    if any(address in network for network in _INSIDE_NETWORKS if network.version == address.version):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def resolve(host: str, port: int) -> list[str]:
    """Every address of a host; blocks, so call it in a thread.

    Raises:
        OSError: the name does not resolve.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _parse_address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _vet_name(url: str, host: str) -> str:
    """The ASCII form of a host name, if every client reads the same name out of it."""
    lookalike = unicodedata.normalize("NFKC", host) != unicodedata.normalize("NFC", host)
    if lookalike or "\u3002" in host or not host.isprintable():
        raise ForbiddenLink(url, "malformed", "the host is written in look-alike or invisible characters")
    try:
        name = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError as error:
        raise ForbiddenLink(url, "malformed", f"the host is no name: {error}") from error
    if not _HOST.fullmatch(name):
        raise ForbiddenLink(url, "malformed", "the host is no name")
    if any(_NUMBER.search(form) for form in (host, name)):
        raise ForbiddenLink(url, "numeric_host", "a number that some systems read as an address")
    return name


def _refuse_local_name(url: str, name: str) -> None:
    if "." not in name or name.endswith(tuple("." + suffix for suffix in _LOCAL_SUFFIXES)):
        raise ForbiddenLink(url, "local_name", "the name belongs to a local network")
