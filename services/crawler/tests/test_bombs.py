"""Bodies made to exhaust memory, disk or time: each is one named failure, and the rest goes on."""

import asyncio
import gzip
import time
import zlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler

import brotli
import psutil
import pytest
from backports import zstd

from twin_common.events import CrawlReported, RunStatus
from twin_crawler.testing.mock_site import MockSite, article, respond

Crawl = Callable[..., Awaitable[CrawlReported]]

pytestmark = pytest.mark.integration

_HUGE = b"<p>" + b"\0" * 300_000_000
_MOST_BODY = 1_000_000
_MEMORY_BYTES = 400_000_000
"""Little more than one bomb, and twice what a crawl of harmless pages takes."""


def endless(chunk: bytes, pause: float = 0) -> Callable[[BaseHTTPRequestHandler], None]:
    """A body that never ends, fast or slow."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "text/html")
        request.send_header("Connection", "close")
        request.end_headers()
        while True:
            request.wfile.write(chunk)
            request.wfile.flush()
            time.sleep(pause)

    return answer


def endless_headers(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        request.wfile.write(b"X-Filler: " + b"x" * 8000 + b"\r\n")
        request.wfile.flush()


def slow_headers(request: BaseHTTPRequestHandler) -> None:
    while True:
        request.wfile.write(b"H")
        request.wfile.flush()
        time.sleep(0.2)


def bombs() -> dict[str, object]:
    """The misbehaving pages by name."""
    small = gzip.compress(_HUGE, 1)
    layered = article("Layers").encode()
    for _ in range(40):
        layered = gzip.compress(layered, 1)
    return {
        "gzip": respond(200, small, Content_Encoding="gzip"),
        "deflate": respond(200, zlib.compress(_HUGE, 1), Content_Encoding="deflate"),
        "brotli": respond(200, brotli.compress(_HUGE, quality=1), Content_Encoding="br"),
        "zstd": respond(200, zstd.compress(_HUGE, 1), Content_Encoding="zstd"),
        "nested": respond(200, gzip.compress(small, 9), Content_Encoding="gzip, gzip"),
        "mixed": respond(200, brotli.compress(small, quality=5), Content_Encoding="gzip, br"),
        "layers": respond(200, layered, Content_Encoding=", ".join(["gzip"] * 40)),
        "endless": endless(b"<p>" + b"x" * 65536),
        "drip": endless(b"x", pause=0.1),
        "endless-headers": endless_headers,
        "slow-headers": slow_headers,
        "announced": respond(200, b"x" * (2 * _MOST_BODY)),
        "deep": respond(200, b"<html><body>" + b"<div>" * 150_000 + b"x"),
        "entities": respond(
            200,
            b'<!DOCTYPE x [<!ENTITY a "'
            + b"a" * 50_000
            + b'">]><html><body><p>'
            + b"&a;" * 100_000
            + b"</p></body></html>",
        ),
    }


class TestBombs:
    async def test_memory_and_time_stay_bounded_and_the_rest_goes_on(
        self, site: MockSite, crawl: Crawl
    ) -> None:
        made = await asyncio.to_thread(bombs)
        site.pages |= {f"/{name}": page for name, page in made.items()}  # type: ignore[misc]
        site.write_articles(3)
        site.pages["/sitemap.xml"] = respond(
            200,
            f"<sitemapindex><sitemap><loc>{site.url}/map.xml.gz</loc></sitemap>"
            f"<sitemap><loc>{site.url}/good.xml</loc></sitemap></sitemapindex>".encode(),
        )
        site.pages["/map.xml.gz"] = respond(200, gzip.compress(b"<urlset>" + _HUGE, 1), "application/gzip")
        listed = "".join(f"<url><loc>{site.url}/posts/{number}</loc></url>" for number in range(3))
        site.pages["/good.xml"] = respond(200, f"<urlset>{listed}</urlset>".encode())
        peak, done = 0, asyncio.Event()

        async def watch() -> None:
            nonlocal peak
            while not done.is_set():
                with suppress(psutil.Error):
                    for child in psutil.Process().children(recursive=True):
                        if "twin_crawler.crawl" in child.cmdline():
                            peak = max(peak, child.memory_info().rss)
                await asyncio.sleep(0.05)

        watching = asyncio.create_task(watch())
        links = [f"{site.url}/{name}" for name in made]
        report = await crawl(*links, site.url, max_body_bytes=_MOST_BODY, download_timeout_seconds=4)
        done.set()
        await watching
        assert report.status is RunStatus.FINISHED
        assert report.counts.inserted >= 3
        reasons = {error.url.rsplit("/", 1)[-1]: error.reason for error in report.errors}
        large = (
            *("gzip", "deflate", "brotli", "zstd", "nested", "mixed", "layers"),
            *("endless", "endless-headers", "announced"),
        )
        assert {name: reasons.get(name) for name in large} == dict.fromkeys(large, "too_large")
        assert {reasons.get(name) for name in ("drip", "slow-headers")} == {"timeout"}
        assert 0 < peak < _MEMORY_BYTES
