"""Pages of JavaScript in a real Chromium, and hostile ones."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field

import psutil
import pytest
import pytest_asyncio

from services.crawler.tests.conftest import AUTHOR, Crawl
from twin_common.events import RunStatus
from twin_common.warehouse import Warehouse
from twin_crawler.browser_requests import Answer, PageLimits, RenderPolicy
from twin_crawler.failures import Failure
from twin_crawler.rendering import Renderer, is_shell
from twin_crawler.source import Fetched
from twin_crawler.testing.mock_site import MockSite, article, respond

pytestmark = pytest.mark.integration
in_one_loop = pytest.mark.asyncio(loop_scope="module")

SHELL = (
    "<!doctype html><html lang='en'><head><title>App</title></head><body>"
    "<noscript>You need to <b>enable</b> JavaScript to run this app.</noscript><div id='root'></div>"
    "<script src='/app.js'></script></body></html>"
)
SCRIPT = (
    "fetch('/api/post.json').then(answer => answer.json()).then(post => {"
    "document.getElementById('root').innerHTML = post.html; });"
)


@dataclass
class Pages:
    """A downloader over pages in memory that notes what it was asked for."""

    pages: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def __call__(self, url: str, headers: Mapping[str, str], signed_in: bool) -> Answer | Failure:
        self.asked.append(url)
        body = self.pages.get(url)
        if body is None:
            return Failure("forbidden_private_address", f"{url} is not let through")
        kind = "application/json" if url.endswith(".json") else "text/html; charset=utf-8"
        return Answer(url, 200, (("Content-Type", kind),), body.encode())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[tuple[Renderer, Pages]]:
    """One browser for the file: each start of Chromium costs seconds."""
    pages = Pages()
    running = Renderer(pages, RenderPolicy(limits=PageLimits(seconds=120, requests=20, bytes=500_000)))
    yield running, pages
    await running.close()


@pytest.fixture
def pages(browser: tuple[Renderer, Pages]) -> Pages:
    found = browser[1]
    found.pages, found.asked = {}, []
    return found


@pytest.fixture
def renderer(browser: tuple[Renderer, Pages], pages: Pages) -> Renderer:
    """The browser, with no page to be had but those of the test."""
    assert pages is browser[1]
    return browser[0]


@dataclass
class Listener:
    """Counts who connects to a port of loopback, over TCP or UDP."""

    port: int
    contacts: list[bytes] = field(default_factory=list)


@pytest.fixture
def listener() -> Iterator[Listener]:
    with socket.socket() as stream, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        stream.bind(("127.0.0.1", 0))
        stream.listen()
        datagram.bind(stream.getsockname())
        found = Listener(stream.getsockname()[1])

        def accept() -> None:
            try:
                while True:
                    connection, _ = stream.accept()
                    found.contacts.append(b"tcp")
                    connection.close()
            except OSError:
                return

        def receive() -> None:
            try:
                while True:
                    found.contacts.append(datagram.recv(100))
            except OSError:
                return

        for run in (accept, receive):
            threading.Thread(target=run, daemon=True).start()
        yield found
        stream.shutdown(socket.SHUT_RDWR)


@in_one_loop
class TestRender:
    async def test_what_the_scripts_write_is_the_page(self, renderer: Renderer, pages: Pages) -> None:
        pages.pages = {
            "http://a.example.org/": SHELL.replace("src='/app.js'>", f">{SCRIPT}"),
            "http://a.example.org/api/post.json": '{"html": "<p>Words from a script.</p>"}',
        }
        rendered = await renderer.render("http://a.example.org/")
        assert isinstance(rendered, Fetched)
        assert "<p>Words from a script.</p>" in rendered.body.decode()
        assert rendered.url == "http://a.example.org/"

    async def test_a_page_that_cannot_be_fetched_says_why(self, renderer: Renderer) -> None:
        failure = await renderer.render("http://a.example.org/")
        assert isinstance(failure, Failure)
        assert failure.reason == "forbidden_private_address"

    async def test_a_machine_without_chromium(self, pages: Pages) -> None:
        renderer = Renderer(pages, RenderPolicy(chromium="/nowhere/chromium"))
        failure = await renderer.render("http://a.example.org/")
        await renderer.close()
        assert isinstance(failure, Failure)
        assert failure.reason == "no_browser"
        assert "apt-get install chromium" in failure.detail

    async def test_contexts_share_nothing(self, renderer: Renderer, pages: Pages) -> None:
        store = (
            "<script>const had = document.cookie + localStorage.length; document.cookie = 'a=1';"
            "localStorage.setItem('a', '1'); document.title = 'had:' + had;</script><body></body>"
        )
        pages.pages = {"http://a.example.org/": store}
        for _ in range(2):
            rendered = await renderer.render("http://a.example.org/")
            assert isinstance(rendered, Fetched)
            assert "<title>had:0</title>" in rendered.body.decode()

    async def test_nothing_of_the_browser_stays_behind(self, renderer: Renderer, pages: Pages) -> None:
        pages.pages = {"http://a.example.org/": "<p>x</p>"}
        await renderer.render("http://a.example.org/")
        started = [
            process
            for process in psutil.Process().children(recursive=True)
            if {"chrom", "node"} & {process.name()[:5], process.name()[:4]}
        ]
        assert started
        await renderer.close()
        assert psutil.wait_procs(started, timeout=120)[1] == []


@in_one_loop
class TestHostilePages:
    async def test_no_connection_is_made_past_the_downloader(
        self, renderer: Renderer, pages: Pages, listener: Listener
    ) -> None:
        inside = f"127.0.0.1:{listener.port}"
        pages.pages = {
            "http://a.example.org/": f"""<html><head>
            <link rel=preconnect href="http://{inside}"><link rel=dns-prefetch href="http://{inside}">
            <link rel=prefetch href="http://{inside}/p"><link rel=prerender href="http://{inside}/r">
            <link rel=stylesheet href="http://{inside}/c.css"><link rel=icon href="http://{inside}/i.ico">
            </head><body><img src="http://{inside}/i.png"><iframe src="http://{inside}/f"></iframe>
            <video src="http://{inside}/v"></video><object data="http://{inside}/o"></object>
            <script>
            const quietly = attempt => {{ try {{ attempt() }} catch (error) {{}} }};
            quietly(() => fetch('http://{inside}/fetch').catch(() => 0));
            quietly(() => fetch('http://{inside}/post', {{method: 'POST', body: 'x'}}).catch(() => 0));
            quietly(() => new WebSocket('ws://{inside}/ws'));
            quietly(() => new EventSource('http://{inside}/events'));
            quietly(() => navigator.sendBeacon('http://{inside}/beacon', 'x'));
            quietly(() => new Worker('http://{inside}/worker.js'));
            quietly(() => new SharedWorker('http://{inside}/shared.js'));
            quietly(() => navigator.serviceWorker.register('/worker.js'));
            quietly(() => import('http://{inside}/module.js').catch(() => 0));
            quietly(() => window.open('http://{inside}/popup'));
            quietly(() => {{
              const peer = new RTCPeerConnection({{iceServers: [{{urls: 'stun:{inside}'}},
                {{urls: 'turn:{inside}?transport=tcp', username: 'a', credential: 'b'}}]}});
              peer.createDataChannel('x');
              peer.createOffer().then(offer => peer.setLocalDescription(offer));
            }});
            quietly(() => new WebTransport('https://{inside}/wt'));
            </script><p>Words</p></body></html>"""
        }
        rendered = await renderer.render("http://a.example.org/")
        assert isinstance(rendered, Fetched)
        await asyncio.sleep(1)
        assert listener.contacts == []
        with socket.create_connection(("127.0.0.1", listener.port)):
            pass
        while not listener.contacts:  # the listener does count
            await asyncio.sleep(0.05)

    async def test_only_gets_of_text_and_scripts_reach_the_downloader(
        self, renderer: Renderer, pages: Pages
    ) -> None:
        pages.pages = {
            "http://a.example.org/": "<img src='/i.png'><video src='/v.mp4'></video><script>"
            "fetch('/post', {method: 'POST', body: 'x'}); fetch('/get.json');</script>"
            "<style>@font-face {font-family: f; src: url('/f.woff')} body {font-family: f}</style>x",
            "http://a.example.org/get.json": "{}",
        }
        await renderer.render("http://a.example.org/")
        assert sorted(pages.asked) == ["http://a.example.org/", "http://a.example.org/get.json"]

    async def test_requests_of_a_page_are_bounded(self, renderer: Renderer, pages: Pages) -> None:
        pages.pages = {
            "http://a.example.org/": "<script>for (let n = 0; n < 500; n++) fetch('/n.json?' + n)</script>x"
        }
        await renderer.render("http://a.example.org/")
        assert len(pages.asked) <= 20

    async def test_a_page_that_grows_is_bounded(self, renderer: Renderer, pages: Pages) -> None:
        pages.pages = {
            "http://a.example.org/": "<script>document.write('<p>' + 'x'.repeat(3e6) + '</p>')</script>",
            "http://b.example.org/": "<p>" + "x" * 600_000,
        }
        for url in pages.pages:
            failure = await renderer.render(url)
            assert isinstance(failure, Failure)
            assert failure.reason == "too_large"

    async def test_a_script_without_end_costs_its_page_only(self, pages: Pages) -> None:
        renderer = Renderer(pages, RenderPolicy(limits=PageLimits(seconds=8)))
        pages.pages = {
            "http://a.example.org/": "<script>for (;;) {}</script>",
            "http://b.example.org/": "<p>Words</p>",
        }
        failure = await renderer.render("http://a.example.org/")
        assert isinstance(failure, Failure)
        assert failure.reason == "render_timeout"
        async with asyncio.timeout(120):  # a slow machine needs some tries to start it anew
            while not isinstance(await renderer.render("http://b.example.org/"), Fetched):
                pass
        await renderer.close()

    async def test_a_download_is_not_saved(self, renderer: Renderer, pages: Pages) -> None:
        async def attachment(url: str, headers: Mapping[str, str], signed_in: bool) -> Answer | Failure:
            kind = (("Content-Type", "application/zip"), ("Content-Disposition", "attachment"))
            return Answer(url, 200, kind, b"PK")

        downloading = Renderer(attachment, RenderPolicy())
        found = await downloading.render("http://a.example.org/a.zip")
        await downloading.close()
        assert isinstance(found, Failure) or b"PK" not in found.body


class TestShell:
    def test_what_only_asks_for_scripts_is_no_text(self) -> None:
        assert is_shell(SHELL.encode(), "You need to **enable** JavaScript to run this app.")
        assert not is_shell(SHELL.encode(), "Words of the page itself")
        assert not is_shell(b"<p>enable JavaScript</p>", "enable JavaScript")


class TestCrawl:
    async def test_a_page_without_text_is_rendered_and_kept_current(
        self, site: MockSite, warehouse: Warehouse, crawl: Crawl
    ) -> None:
        body = article("Rendered", "By a script.").split("<article>")[1].split("</article>")[0]
        quoted = body.replace('"', "'")
        site.pages = {
            "/post": SHELL,
            "/app.js": respond(200, SCRIPT.encode(), content_type="text/javascript"),
            "/api/post.json": respond(
                200, f'{{"html": "<article>{quoted}</article>"}}'.encode(), content_type="application/json"
            ),
        }
        first = await crawl(f"{site.url}/post")
        assert (first.status, first.counts.inserted, first.errors) == (RunStatus.FINISHED, 1, ())
        (document,) = [document async for document in warehouse.documents.all(AUTHOR)]
        assert "Rendered explains step 3" in document.text
        second = await crawl(f"{site.url}/post")
        assert (second.counts.unchanged, second.counts.failed) == (1, 0)

    async def test_without_a_browser_the_crawl_goes_on(self, site: MockSite, crawl: Crawl) -> None:
        site.pages = {"/app": SHELL, "/post": article("Plain")}
        report = await crawl(f"{site.url}/app", f"{site.url}/post", chromium_path="/nowhere/chromium")
        assert report.counts.inserted == 1
        assert [error.reason for error in report.errors] == ["no_browser"]
