"""Links that lead inside, crawled by the real child process while listeners count who comes."""

import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from twin_common.events import CrawlReported, RunStatus
from twin_common.warehouse import Warehouse
from twin_crawler.testing.mock_site import MockSite, article, respond

from .hostile_links import hostile_links

Crawl = Callable[..., Awaitable[CrawlReported]]

pytestmark = pytest.mark.integration

_CHILD = (sys.executable, str(Path(__file__).parent / "crawl_with_own_resolver.py"))


class Listener:
    """A port that is open on every address of this machine, and counts connections."""

    def __init__(self) -> None:
        dual = socket.has_dualstack_ipv6()
        family = socket.AF_INET6 if dual else socket.AF_INET
        self._socket = socket.create_server(("", 0), family=family, dualstack_ipv6=dual)
        self.port: int = self._socket.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self._count, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _count(self) -> None:
        with suppress(OSError):
            while True:
                self._socket.accept()[0].close()
                self.connections += 1


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


class TestHostileLinks:
    async def test_none_of_them_is_connected_to_and_the_rest_of_the_crawl_completes(
        self,
        site: MockSite,
        crawl: Crawl,
        warehouse: Warehouse,
        listener: Listener,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("HOSTILE_PORT", str(listener.port))
        links = list(dict.fromkeys(hostile_links(listener.port)))
        assert len(links) >= 150
        printable = [link for link in links if link.isprintable() and link.isascii()]
        site.write_articles(3)
        site.pages |= {f"/jump/{n}": respond(302, Location=link) for n, link in enumerate(printable)}
        site.pages["/last"] = article("Last")
        jumps = [f"{site.url}/jump/{number}" for number in range(len(printable))]
        report = await crawl(*links, site.url, *jumps, f"{site.url}/last", command=_CHILD)
        assert listener.connections == 0
        assert report.status is RunStatus.FINISHED
        assert (report.counts.inserted, report.counts.failed) == (4, len(links) + len(jumps))
        reasons = {error.url: error.reason for error in report.errors}
        weak = {
            link: reasons[link]
            for link in links
            if link in reasons
            and not reasons[link].startswith("forbidden_")
            and "flips." not in link
            and "nowhere." not in link
        }
        assert weak == {}
        stored = {document.url async for document in warehouse.documents.all()}
        assert all(url.startswith(site.url) for url in stored)

    async def test_the_listener_would_notice(self, listener: Listener) -> None:
        for host in ("127.0.0.1", "localhost"):
            socket.create_connection((host, listener.port), timeout=10).close()
        while listener.connections < 2:
            threading.Event().wait(0.01)
