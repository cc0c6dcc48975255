"""Crawls of a real local site, in the real child process, into a real warehouse."""

import gzip
import json
import socket
import time
from collections.abc import Awaitable, Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from twin_common.authors import Author, Link
from twin_common.events import CrawlReported, RunStatus
from twin_common.identity import AuthorId
from twin_common.warehouse import Warehouse
from twin_crawler.testing.mock_site import MockSite, article, respond, serve, write_certificate
from twin_local.ports import free_port

Crawl = Callable[..., Awaitable[CrawlReported]]

pytestmark = pytest.mark.integration


async def stored(warehouse: Warehouse) -> dict[str, tuple[int, str]]:
    """Version and text of every stored document, by the path of its address."""
    return {
        document.url.split("/", 3)[3]: (document.version, document.text)
        async for document in warehouse.documents.all()
    }


def reasons(report: CrawlReported) -> dict[str, str]:
    """The reason of every named failure, by the end of its address."""
    return {error.url.rsplit("/", 1)[-1]: error.reason for error in report.errors}


class TestSiteOfTwelvePages:
    async def test_second_crawl_writes_nothing_and_an_edit_gives_exactly_one_update(
        self, site: MockSite, crawl: Crawl, warehouse: Warehouse
    ) -> None:
        site.write_articles(12)
        first = await crawl(site.url)
        assert (first.status, first.counts.inserted, first.counts.failed) == (RunStatus.FINISHED, 12, 0)
        before = await stored(warehouse)
        assert {version for version, _ in before.values()} == {1}
        second = await crawl(site.url)
        assert (second.counts.unchanged, second.counts.inserted, second.counts.updated) == (12, 0, 0)
        assert await stored(warehouse) == before
        assert second.counts.bytes_received < first.counts.bytes_received / 3, "the server says 304"
        edited = str(site.pages["/posts/7"]).replace("It ends here", "It was edited and ends here")
        site.pages["/posts/7"] = edited
        third = await crawl(site.url)
        assert (third.counts.updated, third.counts.unchanged) == (1, 11)
        after = await stored(warehouse)
        assert after["posts/7"][0] == 2
        assert "It was edited" in after.pop("posts/7")[1]
        assert after == {path: page for path, page in before.items() if path != "posts/7"}

    async def test_a_page_gone_in_two_runs_is_deleted(
        self, site: MockSite, crawl: Crawl, warehouse: Warehouse
    ) -> None:
        paths = site.write_articles(4)
        await crawl(site.url)
        del site.pages["/posts/3"]
        site.list_in_sitemap([path for path in paths if path != "/posts/3"])
        once = await crawl(site.url)
        assert (once.counts.gone_once, once.counts.deleted) == (1, 0)
        assert "posts/3" in await stored(warehouse)
        twice = await crawl(site.url)
        assert (twice.counts.gone_once, twice.counts.deleted) == (0, 1)
        assert "posts/3" not in await stored(warehouse)
        third = await crawl(site.url)
        assert (third.counts.discovered, third.counts.failed) == (3, 0), (
            "what is deleted is not asked for again"
        )

    async def test_a_document_lost_from_the_warehouse_is_read_again_despite_its_etag(
        self, site: MockSite, crawl: Crawl, warehouse: Warehouse
    ) -> None:
        site.write_articles(2)
        await crawl(site.url)
        lost = next(iter([document async for document in warehouse.documents.all()]))
        await warehouse.documents.delete(lost.document_id, lost.category)
        report = await crawl(site.url)
        assert (report.counts.inserted, report.counts.unchanged) == (1, 1)

    async def test_documents_keep_the_trace_of_their_crawl(
        self, site: MockSite, crawl: Crawl, warehouse: Warehouse
    ) -> None:
        site.write_articles(2)
        trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
        await crawl(site.url, traceparent=f"00-{trace_id}-00f067aa0ba902b7-01")
        traces = [document.traceparent async for document in warehouse.documents.all()]
        assert [(trace or "").split("-")[1] for trace in traces] == [trace_id] * 2


class TestMovedPages:
    async def test_a_page_that_moved_for_good_is_one_document_under_its_new_address(
        self, site: MockSite, crawl: Crawl, warehouse: Warehouse
    ) -> None:
        site.write_articles(1)
        await crawl(site.url)
        site.pages["/new/0"] = site.pages["/posts/0"]
        site.pages["/posts/0"] = respond(301, Location="/new/0")
        await crawl(site.url)
        assert set(await stored(warehouse)) == {"new/0"}

    async def test_a_page_that_names_another_as_canonical_is_that_page(
        self, site: MockSite, crawl: Crawl, warehouse: Warehouse
    ) -> None:
        site.write_articles(1)
        link = f"<head><link rel='canonical' href='{site.url}/posts/0'>"
        site.pages["/amp/0"] = article("Short form").replace("<head>", link)
        site.list_in_sitemap(["/posts/0", "/amp/0"])
        for _ in range(2):
            report = await crawl(site.url)
            assert report.counts.failed == 0
        assert {path: version for path, (version, _) in (await stored(warehouse)).items()} == {"posts/0": 1}


class TestWaysToFindPages:
    async def test_the_union_of_a_feed_and_a_compressed_sitemap_that_robots_names(
        self, site: MockSite, crawl: Crawl
    ) -> None:
        site.write_articles(3)
        entries = [f"<url><loc>{site.url}/posts/{number}</loc></url>" for number in (1, 2)]
        sitemap = f"<urlset>{''.join(entries)}</urlset>"
        index = f"<sitemapindex><sitemap><loc>{site.url}/map.xml.gz</loc></sitemap></sitemapindex>"
        feed = {
            "version": "https://jsonfeed.org/version/1.1",
            "items": [{"url": f"{site.url}/posts/0"}, {"url": f"{site.url}/posts/1"}],
        }
        del site.pages["/sitemap.xml"]
        site.pages |= {
            "/robots.txt": respond(200, f"Sitemap: {site.url}/index.xml".encode(), content_type="text/plain"),
            "/index.xml": respond(200, index.encode(), content_type="application/xml"),
            "/map.xml.gz": respond(200, gzip.compress(sitemap.encode()), content_type="application/gzip"),
            "/feed.json": respond(200, json.dumps(feed).encode(), content_type="application/feed+json"),
        }
        report = await crawl(site.url)
        assert (report.counts.inserted, report.counts.failed) == (3, 0)


class TestBadServers:
    """Each link fails under its own name, and the good link goes in all the same."""

    async def test_every_failure_is_named_and_the_other_links_go_on(
        self, site: MockSite, crawl: Crawl, warehouse: Warehouse
    ) -> None:
        def drop(request: BaseHTTPRequestHandler) -> None:
            request.connection.shutdown(socket.SHUT_RDWR)
            request.close_connection = True

        def break_off(request: BaseHTTPRequestHandler) -> None:
            request.send_response(200)
            request.send_header("Content-Type", "text/html")
            request.send_header("Content-Length", "100000")
            request.end_headers()
            request.wfile.write(b"<html><body><p>begins and")
            request.wfile.flush()
            request.close_connection = True

        def hang(request: BaseHTTPRequestHandler) -> None:
            time.sleep(4)

        def flood(request: BaseHTTPRequestHandler) -> None:
            request.send_response(200)
            request.send_header("Content-Type", "text/html")
            request.send_header("Connection", "close")
            request.end_headers()
            for _ in range(2000):
                request.wfile.write(b"<p>" + b"x" * 65536)

        def drip(request: BaseHTTPRequestHandler) -> None:
            request.send_response(200)
            request.send_header("Content-Type", "text/html")
            request.send_header("Connection", "close")
            request.end_headers()
            for _ in range(60):
                request.wfile.write(b"x" * 100)
                request.wfile.flush()
                time.sleep(0.1)

        bomb = gzip.compress(b"<p>" + b"\0" * 50_000_000)
        refused = free_port()
        site.pages |= {
            "/good": article("Good"),
            "/drop": drop,
            "/broken": break_off,
            "/hang": hang,
            "/drip": drip,
            "/flood": flood,
            "/announced": respond(200, b"x" * 2_000_000),
            "/bomb": respond(200, bomb, Content_Encoding="gzip"),
            "/gone": respond(410),
            "/error": respond(500, b"oops"),
            "/private": respond(403, b"no"),
            "/wall": respond(302, Location="/login?next=/wall"),
            "/login": "<form><input name=u><input type=password name=p></form>",
            "/login?next=/wall": "<form><input name=u><input type=password name=p></form>",
            "/form": "<html><body><p>Please sign in.</p><form><input type=password></form></body></html>",
            "/empty": "<html><body></body></html>",
            "/picture": respond(200, b"\x89PNG\r\n", content_type="image/png"),
            "/loop": respond(302, Location="/loop"),
            "/inside": respond(302, Location="http://10.0.0.1/"),
            "/metadata": respond(301, Location="http://169.254.169.254/latest/meta-data/"),
            "/other-port": respond(302, Location="http://127.0.0.1:1/"),
            "/file": respond(302, Location="file:///etc/passwd"),
            "/robots.txt": respond(
                200, b"User-agent: twin-crawler\nDisallow: /secret\n", content_type="text/plain"
            ),
            "/secret": article("Secret"),
        }
        expected = {
            "drop": "unreachable",
            "broken": "broken_body",
            "hang": "timeout",
            "drip": "timeout",
            "flood": "too_large",
            "announced": "too_large",
            "bomb": "too_large",
            "missing": "http_404",
            "gone": "http_410",
            "error": "http_500",
            "private": "login_required",
            "wall": "login_required",
            "form": "login_required",
            "empty": "no_text",
            "picture": "not_html",
            "loop": "redirect_loop",
            "inside": "forbidden_private_address",
            "metadata": "forbidden_private_address",
            "other-port": "forbidden_port",
            "file": "http_302",
            "secret": "robots",
        }
        paths = [f"{site.url}/{name}" for name in expected]
        unreachable = f"http://127.0.0.1:{refused}/refused"
        unresolved = "http://no-such-host.invalid/x"
        report = await crawl(
            *paths[:10],
            f"{site.url}/good",
            *paths[10:],
            unreachable,
            unresolved,
            max_body_bytes=1_000_000,
            download_timeout_seconds=2,
            trusted_endpoints=f"{site.endpoint},127.0.0.1:{refused}",
        )
        expected |= {"refused": "unreachable", "x": "dns"}
        assert reasons(report) == expected
        assert report.status is RunStatus.FINISHED
        assert report.counts.failed == len(expected)
        assert set(await stored(warehouse)) == {"good"}
        assert not site.asked_for("/secret")
        assert all(error.detail for error in report.errors)

    async def test_a_page_in_another_character_set_keeps_its_letters(
        self, site: MockSite, crawl: Crawl, warehouse: Warehouse
    ) -> None:
        page = article("Größe", "Ćevapčići — naïve façade").replace(
            "<head>", "<head><meta charset='iso-8859-2'>"
        )
        body = page.replace("ï", "i").encode("iso-8859-2", "replace")
        site.pages["/a"] = respond(200, body, content_type="text/html")
        site.pages["/b"] = respond(200, article("Größe").encode("cp1252"), "text/html; charset=windows-1252")
        await crawl(f"{site.url}/a", f"{site.url}/b")
        texts = await stored(warehouse)
        assert "Ćevapčići" in texts["a"][1]
        assert "Größe explains" in texts["b"][1]

    async def test_a_server_error_is_tried_again(self, site: MockSite, crawl: Crawl) -> None:
        answers = [respond(503), respond(200, article("At last").encode())]

        def recover(request: BaseHTTPRequestHandler) -> None:
            answers.pop(0)(request)

        site.pages["/a"] = recover
        report = await crawl(f"{site.url}/a", retries=1)
        assert (report.counts.inserted, report.counts.failed) == (1, 0)


class TestTls:
    async def test_a_certificate_that_nobody_vouches_for_is_refused(
        self, crawl: Crawl, tmp_path: Path
    ) -> None:
        certificate = write_certificate(tmp_path / "self-signed.pem")
        with serve(MockSite(pages={"/a": article("A")}), certificate) as secure:
            link = secure.url.replace("http:", "https:") + "/a"
            report = await crawl(link, trusted_endpoints=secure.endpoint)
            assert reasons(report) == {"a": "tls"}
            assert not secure.visits


class TestPoliteness:
    async def test_one_named_request_at_a_time_with_the_delay_between(
        self, site: MockSite, crawl: Crawl
    ) -> None:
        site.write_articles(5)
        await crawl(site.url, download_delay_seconds=0.3, user_agent="my-bot/2 (ada@example.org)")
        assert {visit.headers["User-Agent"] for visit in site.visits} == {"my-bot/2 (ada@example.org)"}
        assert not any("Cookie" in visit.headers or "Referer" in visit.headers for visit in site.visits)
        times = [visit.time for visit in site.visits]
        assert times[-1] - times[0] >= 0.3 * (len(times) - 1.5), "one gap may look short, never all"

    async def test_a_longer_crawl_delay_of_the_site_counts(self, site: MockSite, crawl: Crawl) -> None:
        site.write_articles(3)
        site.pages["/robots.txt"] = respond(
            200, b"User-agent: *\nCrawl-delay: 0.4\n", content_type="text/plain"
        )
        await crawl(site.url)
        times = [visit.time for visit in site.visits if visit.path.startswith("/posts")]
        assert times[-1] - times[0] >= 0.4 * (len(times) - 1.5)


class TestHostileLinks:
    async def test_no_connection_is_made_for_any_of_them(self, site: MockSite, crawl: Crawl) -> None:
        trap = socket.create_server(("127.0.0.1", 0))
        trap6 = socket.create_server(("::1", 0), family=socket.AF_INET6) if socket.has_ipv6 else None
        port = trap.getsockname()[1]
        hosts = [
            *("127.0.0.1", "127.0.0.1.", "localhost", "LOCALHOST.", "127.1", "2130706433", "0x7f000001"),
            *("0177.0.0.1", "0", "①②⑦.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[::127.0.0.1]"),
            *("[fe80::1]", "[fd00::1]", "[64:ff9b::7f00:1]", "255.255.255.255", "10.0.0.1", "172.16.3.4"),
            *("192.168.1.1", "100.64.0.1", "169.254.169.254", "224.0.0.1", "printer.local", "db.internal"),
        ]
        links = [f"http://{host}:{port}/x" for host in hosts] + [f"http://{host}/x" for host in hosts]
        links += [
            f"http://ada@127.0.0.1:{port}/x",
            f"http://{site.endpoint}@127.0.0.1:{port}/x",
            f"http://127.0.0.1:{port}\\@{site.endpoint}/x",
            f"ftp://127.0.0.1:{port}/x",
            f"gopher://127.0.0.1:{port}/x",
            "file:///etc/passwd",
            "data:text/html,<p>x",
            "javascript:alert(1)",
            "//127.0.0.1/x",
            "http://",
            "http://[::1",
            f"http://example.org:{port}/x",
            "http://example.org/\r\nHost: x",
            "http://" + "a" * 3000,
        ]
        assert len(links) >= 30
        report = await crawl(*links)
        assert report.status is RunStatus.FINISHED
        assert report.counts.failed == len(links)
        assert {error.reason.split("_")[0] for error in report.errors} == {"forbidden"}
        for listener in filter(None, (trap, trap6)):
            listener.settimeout(0.2)
            with pytest.raises(TimeoutError):
                listener.accept()
            listener.close()
        assert not site.visits

    async def test_what_a_site_lists_and_redirects_to_is_vetted_too(
        self, site: MockSite, crawl: Crawl
    ) -> None:
        trap = socket.create_server(("127.0.0.1", 0))
        inside = f"http://127.0.0.1:{trap.getsockname()[1]}"
        site.write_articles(1)
        site.pages["/posts/jump"] = respond(301, Location=f"{inside}/x")
        site.pages["/sitemap.xml"] = respond(
            200,
            f"<sitemapindex><sitemap><loc>{inside}/s.xml</loc></sitemap>"
            f"<sitemap><loc>{site.url}/jump.xml</loc></sitemap>"
            f"<sitemap><loc>{site.url}/real.xml</loc></sitemap></sitemapindex>".encode(),
        )
        site.pages["/jump.xml"] = respond(302, Location=f"{inside}/s.xml")
        site.pages["/real.xml"] = respond(
            200, f"<urlset><url><loc>{site.url}/posts/jump</loc></url></urlset>".encode()
        )
        site.pages["/robots.txt"] = respond(307, Location=f"{inside}/robots.txt")
        report = await crawl(site.url)
        assert reasons(report) == {"jump": "forbidden_port"}
        trap.settimeout(0.2)
        with pytest.raises(TimeoutError):
            trap.accept()
        trap.close()


class TestOptions:
    async def test_they_reach_the_source_that_knows_them_and_others_are_named(
        self, site: MockSite, crawl: Crawl, warehouse: Warehouse
    ) -> None:
        site.write_articles(2)
        site.pages["/blog/a"] = article("On logs")
        site.list_in_sitemap(["/posts/0", "/posts/1", "/blog/a"])
        link = Link(url=site.url, options={"under": "/blog/", "depth": 3})
        await warehouse.authors.put(Author(author_id=AuthorId("ada"), name="Ada Stone", links=(link,)))
        report = await crawl()
        assert list(await stored(warehouse)) == ["blog/a"]
        assert [(error.reason, error.detail) for error in report.errors] == [
            ("unknown_option", "the source site knows no option depth; it knows under")
        ]
