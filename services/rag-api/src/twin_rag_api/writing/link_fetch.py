"""Fetches what a request links to: through the link guard, a limited size, in a limited time."""

import asyncio
import re
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit, urlunsplit

from twin_common.errors import ForbiddenLink, TwinError
from twin_common.link_guard import LinkGuard, VettedUrl, resolve
from twin_rag_api.writing.readable_address import readable_address

if TYPE_CHECKING:
    from httpx2 import Response

Resolve = Callable[[str, int], Awaitable[list[str]]]

_SIGN_IN = re.compile(
    r"(?:^|[/._-])(?:log-?in|sign-?in|auth(?:wall|enticate)?|sso|checkpoint)(?:$|[/._?-])", re.I
)
_WANTED_TYPES = re.compile(r"text/|application/(?:pdf|xhtml\+xml|xml|json|x-pdf)|application/octet-stream$|$")


@dataclass(frozen=True)
class FetchPolicy:
    """How much patience a link deserves."""

    redirects: int = 5
    page_bytes: int = 5 * 1024 * 1024
    pdf_bytes: int = 25 * 1024 * 1024
    seconds: float = 20.0
    """For everything: names, redirects and the last byte."""
    connect_seconds: float = 5.0
    read_seconds: float = 10.0


@dataclass(frozen=True)
class Fetched:
    """What came."""

    url: str
    """Where it came from in the end."""
    content_type: str
    body: bytes


class LinkFailed(TwinError):
    """A link gave nothing; `reason` is a word for counting, and the text a sentence for its reader."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


async def resolve_in_thread(host: str, port: int) -> list[str]:
    """Every address of a host. Raises: OSError."""
    return await asyncio.to_thread(resolve, host, port)


class LinkFetcher:
    """Connects to addresses that were vetted and to no others, after every redirect anew."""

    def __init__(
        self, guard: LinkGuard, policy: FetchPolicy = FetchPolicy(), resolve_host: Resolve = resolve_in_thread
    ) -> None:
        self._guard = guard
        self._policy = policy
        self._resolve = resolve_host

    async def fetch(self, url: str) -> Fetched:
        """What is behind a link.

        Raises:
            LinkFailed: it may not or cannot be read, with the reason.
        """
        from httpx2 import HTTPError, InvalidURL

        try:
            async with asyncio.timeout(self._policy.seconds):
                return await self._follow(readable_address(url))
        except ForbiddenLink as error:
            raise LinkFailed("private", f"it leads to a place that is not public ({error.reason})") from error
        except TimeoutError as error:
            raise LinkFailed("timeout", f"it did not come within {self._policy.seconds:g} s") from error
        except (HTTPError, InvalidURL, OSError, ValueError, zlib.error) as error:
            raise LinkFailed("unreachable", f"it cannot be fetched ({type(error).__name__})") from error

    async def _follow(self, url: str) -> Fetched:
        for _ in range(self._policy.redirects + 1):
            vetted = self._guard.vet_url(url)
            outcome = await self._one(vetted, await self._address(vetted))
            if isinstance(outcome, Fetched):
                return outcome
            url = urljoin(url, outcome)
            if _SIGN_IN.search(urlsplit(url).path):
                raise LinkFailed("login", "it leads to a page where one has to sign in")
        raise LinkFailed("redirects", f"it is redirected more than {self._policy.redirects} times")

    async def _address(self, vetted: VettedUrl) -> str:
        """The one address that is connected to: asking twice could give two answers."""
        addresses = await self._resolve(vetted.host, vetted.port)
        if not vetted.trusted:
            return str(self._guard.vet_addresses(vetted.url, addresses)[0])
        if not addresses:
            raise LinkFailed("unreachable", "its host has no address")
        return addresses[0]

    async def _one(self, vetted: VettedUrl, address: str) -> Fetched | str:
        """What came, or where it says to go on."""
        from httpx2 import AsyncClient, Timeout

        timeout = Timeout(self._policy.connect_seconds, read=self._policy.read_seconds)
        async with (
            AsyncClient(trust_env=False, follow_redirects=False, timeout=timeout) as client,
            client.stream(
                "GET",
                _at(vetted, address),
                headers={
                    "Host": _authority(vetted),
                    "Accept": "text/html,text/plain,text/markdown,application/pdf;q=0.9",
                    "Accept-Encoding": "gzip",
                    "User-Agent": "llm-twin (reads a page that its user linked to)",
                },
                extensions={"sni_hostname": vetted.host},
            ) as response,
        ):
            if response.is_redirect:
                return response.headers["location"]
            _refuse_status(response.status_code)
            content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if not _WANTED_TYPES.match(content_type):
                raise LinkFailed(
                    "kind", f"it is {content_type[:60]}, and only pages, texts and PDFs are read"
                )
            most = self._policy.pdf_bytes if "pdf" in content_type else self._policy.page_bytes
            body = await _read(response, most)
        return Fetched(vetted.url, "application/pdf" if body.startswith(b"%PDF-") else content_type, body)


def _at(vetted: VettedUrl, address: str) -> str:
    """The link with the vetted address in its host's place."""
    parts = urlsplit(vetted.url)
    host = f"[{address}]" if ":" in address else address
    return urlunsplit((parts.scheme, f"{host}:{vetted.port}", parts.path or "/", parts.query, ""))


def _authority(vetted: VettedUrl) -> str:
    host = f"[{vetted.host}]" if ":" in vetted.host else vetted.host
    return host if vetted.port in (80, 443) else f"{host}:{vetted.port}"


def _refuse_status(status: int) -> None:
    if status in (401, 402, 403, 407, 999):  # 999 is how LinkedIn asks to sign in
        raise LinkFailed("login", f"it asks to sign in (status {status})")
    if status >= 300:
        raise LinkFailed("status", f"it answers with status {status}")


async def _read(response: "Response", most: int) -> bytes:
    """The body, never more than `most` bytes of it, neither as it comes nor unpacked."""
    encoding = response.headers.get("content-encoding", "identity").lower()
    if encoding not in ("identity", "gzip", "x-gzip", ""):
        raise LinkFailed("kind", f"it is packed as {encoding[:20]}, which was not asked for")
    unpack = zlib.decompressobj(wbits=31) if "gzip" in encoding else None
    body = bytearray()
    async for piece in response.aiter_raw():
        body += unpack.decompress(piece, most + 1 - len(body)) if unpack else piece
        if len(body) > most:
            raise LinkFailed("too_large", f"it is larger than {most // (1024 * 1024)} MB")
    return bytes(body)
