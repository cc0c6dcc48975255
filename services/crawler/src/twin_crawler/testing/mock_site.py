"""A site on loopback for tests: articles that change, vanish and move, and servers that misbehave."""

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from time import monotonic
from types import MappingProxyType

from twin_common.clock import utc_now

_DAY = timedelta(days=1)

Answer = Callable[[BaseHTTPRequestHandler], None]
"""Answers one request as a test wishes."""


@dataclass(frozen=True)
class Visit:
    """A request that the site received."""

    path: str
    time: float
    headers: dict[str, str]
    etag: str | None = None
    """Of the page as it was then."""

    @property
    def sent_body(self) -> bool:
        """Whether the page itself was sent, and not only that it is unchanged."""
        return self.etag is not None and self.headers.get("If-None-Match") != self.etag


@dataclass
class MockSite:
    """A site on loopback whose pages a test writes, and which remembers who asked for what.

    A page is HTML (it gets an ETag), or a function that answers as it likes.
    """

    port: int = 0
    pages: dict[str, str | Answer] = field(default_factory=dict)
    visits: list[Visit] = field(default_factory=list)
    etags: bool = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.port}"

    def asked_for(self, path: str) -> list[Visit]:
        return [visit for visit in self.visits if visit.path == path]

    def list_in_sitemap(self, paths: list[str], dates: Mapping[str, str] = MappingProxyType({})) -> None:
        """Write a sitemap.xml that names these paths, with the dates of those that have one."""
        entries = "".join(
            f"<url><loc>{self.url}{path}</loc>"
            + (f"<lastmod>{dates[path]}</lastmod>" if path in dates else "")
            + "</url>"
            for path in paths
        )
        body = f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>'
        self.pages["/sitemap.xml"] = respond(200, body.encode(), content_type="application/xml")

    def write_articles(self, count: int) -> list[str]:
        """Write so many articles and a sitemap of them; their paths."""
        paths = [f"/posts/{number}" for number in range(count)]
        self.pages |= {path: article(f"Post {number}") for number, path in enumerate(paths)}
        self.pages["/"] = "<html><head><title>Home</title></head><body>Home</body></html>"
        self.list_in_sitemap(paths)
        return paths


def article(title: str, addition: str = "") -> str:
    """An article long enough to be taken for one."""
    sentences = " ".join(
        f"{title} explains step {step} of reading a log that only ever grows." for step in range(12)
    )
    return (
        f"<!doctype html><html lang='en'><head><title>{title}</title></head><body>"
        f"<nav><a href='/'>Home</a></nav><article><h1>{title}</h1><p>{sentences}</p>"
        f"<p>{addition or 'It ends here, as it must.'}</p></article>"
        f"<footer>All rights reserved</footer></body></html>"
    )


def respond(
    status: int, body: bytes = b"", content_type: str = "text/html; charset=utf-8", **headers: str
) -> Answer:
    """An answer with this status, body and headers (underscores become hyphens)."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Type", content_type)
        request.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def write_certificate(path: Path) -> Path:
    """A key and a certificate for 127.0.0.1 that only vouches for itself, in one PEM file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    names = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    now = utc_now()
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + _DAY)
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    return path


def _etag(body: bytes) -> str:
    return f'"{sha256(body).hexdigest()[:16]}"'


@contextmanager
def serve(mock: MockSite, certificate: Path | None = None) -> Iterator[MockSite]:
    """Serve the site from a thread while the block lasts, over TLS where a certificate is given."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65536  # one packet an answer: delayed acknowledgements cost 40 ms each

        def do_GET(self) -> None:
            page = mock.pages.get(self.path)
            etag = _etag(page.encode()) if isinstance(page, str) else None
            mock.visits.append(Visit(self.path, monotonic(), dict(self.headers.items()), etag))
            if page is None:
                respond(404, b"not here")(self)
            elif callable(page):
                page(self)
            else:
                self._send_html(page.encode())

        def _send_html(self, body: bytes) -> None:
            if not mock.etags:
                respond(200, body)(self)
                return
            etag = _etag(body)
            if self.headers.get("If-None-Match") == etag:
                self.send_response(304)
                self.send_header("ETag", etag)
                self.end_headers()
            else:
                respond(200, body, ETag=etag, Last_Modified=format_datetime(utc_now()))(self)

        def log_message(self, *_: object) -> None:
            """The tests look at `visits`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # a dropped connection is a test's wish
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    mock.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield mock
    finally:
        server.shutdown()
        server.server_close()
