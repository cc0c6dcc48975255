"""What later crawls of a site fetch, and what they change: as little as possible, and all of it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from twin_common.clock import utc_now
from twin_common.events import CrawlReported, LinkStatus, RunStatus
from twin_common.warehouse import Warehouse
from twin_crawler.testing.mock_site import MockSite, article, respond

Crawl = Callable[..., Awaitable[CrawlReported]]

pytestmark = pytest.mark.integration


class Changes:
    """What the warehouse's change stream tells of documents, from here on."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._database = warehouse.database
        self._seen: list[tuple[str, str]] = []
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Changes":
        self._stream = await self._database.watch(full_document="updateLookup")
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
        await self._stream.close()

    async def seen(self) -> list[tuple[str, str]]:
        """Kind and document of every change of a document so far; a marker tells that none is on its way."""
        marker = await self._database["marker"].insert_one({})
        async with asyncio.timeout(120):
            while ("marker", str(marker.inserted_id)) not in self._seen:
                await asyncio.sleep(0.05)
        return [change for change in self._seen if change[0] != "marker"]

    async def _read(self) -> None:
        async for event in self._stream:
            collection, key = event["ns"]["coll"], str(event["documentKey"]["_id"])
            if collection == "marker":
                self._seen.append(("marker", key))
            elif collection in ("articles", "posts", "code"):
                self._seen.append((event["operationType"], key))


def bodies(site: MockSite, since: int) -> list[str]:
    """The articles that were sent whole after the first so many visits."""
    return [
        visit.path for visit in site.visits[since:] if visit.path.startswith("/posts/") and visit.sent_body
    ]


class TestTwoHundredPages:
    async def test_unchanged_pages_cost_no_body_and_no_event_and_changes_exactly_one_each(
        self, site: MockSite, crawl: Crawl, warehouse: Warehouse
    ) -> None:
        paths = site.write_articles(200)
        first = await crawl(site.url)
        assert (first.counts.inserted, first.counts.failed) == (200, 0)
        ids = {document.url: document.document_id async for document in warehouse.documents.all()}
        async with Changes(warehouse) as changes:
            visited = len(site.visits)
            second = await crawl(site.url)
            assert second.counts.unchanged == 200
            assert bodies(site, visited) == []
            assert await changes.seen() == []
            site.pages["/posts/7"] = str(site.pages["/posts/7"]).replace("It ends here", "It was edited")
            del site.pages["/posts/9"]
            site.list_in_sitemap([path for path in paths if path != "/posts/9"])
            visited = len(site.visits)
            once = await crawl(site.url)
            assert (once.counts.updated, once.counts.gone_once, once.counts.deleted) == (1, 1, 0)
            assert bodies(site, visited) == ["/posts/7"]
            twice = await crawl(site.url)
            assert (twice.counts.deleted, twice.counts.unchanged) == (1, 199)
            kinds = [("replace", ids[f"{site.url}/posts/7"]), ("delete", ids[f"{site.url}/posts/9"])]
            assert await changes.seen() == kinds

    async def test_settled_dates_of_a_sitemap_spare_even_the_question(
        self, site: MockSite, crawl: Crawl
    ) -> None:
        site.etags = False
        paths = site.write_articles(6)
        dates = dict.fromkeys(paths, "2024-05-01")
        site.list_in_sitemap(paths, dates)
        await crawl(site.url)
        visited = len(site.visits)
        second = await crawl(site.url)
        assert (second.counts.unchanged, second.counts.skipped) == (6, 6)
        assert [visit.path for visit in site.visits[visited:] if visit.path.startswith("/posts/")] == []
        site.pages["/posts/2"] = article("Post 2", "It was edited.")
        site.list_in_sitemap(paths, dates | {"/posts/2": "2024-06-01"})
        third = await crawl(site.url)
        assert (third.counts.updated, third.counts.skipped) == (1, 5)

    async def test_so_do_the_dates_of_change_of_a_feed_and_a_date_of_publication_does_not(
        self, site: MockSite, crawl: Crawl
    ) -> None:
        """Atom as RFC 4287 has it: `updated` moves with an edit, `published` does not."""
        site.etags = False
        paths = site.write_articles(3)
        del site.pages["/sitemap.xml"]

        def write_feed(dates: dict[str, str]) -> None:
            entries = "".join(
                f"<entry><link href='{site.url}{path}'/><published>2024-04-01T00:00:00Z</published>"
                + (f"<updated>{dates[path]}</updated>" if path in dates else "")
                + "</entry>"
                for path in paths
            )
            feed = f"<feed xmlns='http://www.w3.org/2005/Atom'>{entries}</feed>".encode()
            site.pages["/feed"] = respond(200, feed, "application/atom+xml")

        dates = dict.fromkeys(paths[:2], "2024-05-01T00:00:00Z")
        write_feed(dates)
        await crawl(site.url)
        second = await crawl(site.url)
        assert (second.counts.unchanged, second.counts.skipped) == (3, 2)
        site.pages["/posts/1"] = article("Post 1", "It was edited.")
        site.pages["/posts/2"] = article("Post 2", "It was edited.")
        write_feed(dates | {"/posts/1": "2024-06-01T00:00:00Z"})
        third = await crawl(site.url)
        assert (third.counts.updated, third.counts.skipped) == (2, 1)


class TestPatience:
    async def test_a_server_that_says_when_is_asked_again_then(self, site: MockSite, crawl: Crawl) -> None:
        moment = format_datetime(utc_now() + timedelta(seconds=2), usegmt=True)
        waits: list[Callable[[BaseHTTPRequestHandler], None]] = [
            respond(429, Retry_After="1"),
            respond(503, Retry_After=moment, Date=format_datetime(utc_now(), usegmt=True)),
            respond(200, article("At last").encode()),
        ]

        def answer(request: BaseHTTPRequestHandler) -> None:
            waits.pop(0)(request)

        site.pages["/a"] = answer
        report = await crawl(f"{site.url}/a", retries=2)
        assert (report.counts.inserted, report.counts.failed) == (1, 0)
        times = [visit.time for visit in site.asked_for("/a")]
        assert times[1] - times[0] >= 0.95
        assert times[2] - times[1] >= 1

    async def test_a_long_wait_pauses_the_link_over_restarts_and_spares_the_other_pages(
        self, site: MockSite, crawl: Crawl, warehouse: Warehouse
    ) -> None:
        site.write_articles(5)
        site.pages |= {f"/posts/{number}": respond(429, Retry_After="7200") for number in range(5)}
        before = utc_now()
        report = await crawl(site.url, retries=2, concurrent_hosts=2)
        assert report.counts.failed == 5
        asked_for_posts = [visit for visit in site.visits if visit.path.startswith("/posts/")]
        assert len(asked_for_posts) <= 3, "only what was on its way already"
        (link,) = report.links
        assert link.paused_until is not None
        assert timedelta(hours=1) < link.paused_until - before < timedelta(hours=3)
        asked = len(site.visits)
        again = await crawl(site.url)
        assert [(entry.status, entry.reason) for entry in again.links] == [
            (LinkStatus.PAUSED, "paused_by_server")
        ]
        assert "until" in again.errors[0].detail
        assert len(site.visits) == asked
        assert [state.url for state in await warehouse.crawls.paused_links()] == [site.url]

    async def test_robots_that_cannot_be_had_forbid_all_and_robots_that_are_missing_nothing(
        self, site: MockSite, crawl: Crawl
    ) -> None:
        site.write_articles(2)
        site.pages["/robots.txt"] = respond(503)
        report = await crawl(site.url)
        assert {error.reason for error in report.errors} == {"robots_unreachable"}
        assert {visit.path for visit in site.visits} == {"/robots.txt"}
        site.pages["/robots.txt"] = respond(403)
        assert (await crawl(site.url)).counts.inserted == 2


class TestEndlessSites:
    async def test_a_long_feed_is_worked_off_in_parts(self, site: MockSite, crawl: Crawl) -> None:
        site.write_articles(25)
        first = await crawl(site.url, max_pages_per_link=10)
        assert (first.counts.inserted, first.errors[0].reason) == (10, "too_many_pages")
        second = await crawl(site.url, max_pages_per_link=10)
        assert second.counts.inserted == 8
        third = await crawl(site.url, max_pages_per_link=10)
        assert third.counts.inserted == 7

    async def test_calendar_pages_without_end_are_bounded(self, site: MockSite, crawl: Crawl) -> None:
        class Calendar(dict[str, Any]):
            """Every month leads to the next: as a page, as a sitemap, and by redirects."""

            def get(self, path: str, default: Any = None) -> Any:
                if path in self:
                    return self[path]
                number = int("".join(sign for sign in path if sign.isdigit()) or 0)
                if path.startswith("/map"):
                    following = f"<sitemap><loc>{site.url}/map{number + 1}.xml</loc></sitemap>"
                    return respond(200, f"<sitemapindex>{following}</sitemapindex>".encode())
                if path.startswith("/jump"):
                    return respond(302, Location=f"/jump/{number + 1}")
                return article(f"Month {number}").replace(
                    "<nav>", f"<nav><a href='/cal/{number + 1}'>next</a>"
                )

        site.pages = Calendar()
        site.pages["/robots.txt"] = respond(200, f"Sitemap: {site.url}/map0.xml\n".encode(), "text/plain")
        site.pages["/"] = respond(200, b"<html><body><a href='/cal/1'>calendar</a></body></html>")
        report = await crawl(site.url, f"{site.url}/cal/1", f"{site.url}/jump/1", max_pages_per_link=20)
        assert report.status is RunStatus.FINISHED
        assert len(site.visits) < 200
        assert report.counts.inserted == 1
        assert "redirect_loop" in {error.reason for error in report.errors}


class TestDryRun:
    async def test_it_lists_what_would_be_fetched_and_fetches_no_article(
        self, site: MockSite, crawl: Crawl, warehouse: Warehouse
    ) -> None:
        site.write_articles(3)
        await crawl(f"{site.url}/posts/1")
        visited = len(site.visits)
        report = await crawl(site.url, dry_run=True)
        assert report.status is RunStatus.FINISHED
        assert {(page.url.removeprefix(site.url), page.known) for page in report.planned} == {
            ("/posts/0", False),
            ("/posts/1", True),
            ("/posts/2", False),
        }
        assert not [visit for visit in site.visits[visited:] if visit.path.startswith("/posts/")]
        assert len([document async for document in warehouse.documents.all()]) == 1


class TestReport:
    async def test_it_tells_of_each_link_domain_and_category(self, site: MockSite, crawl: Crawl) -> None:
        site.write_articles(3)
        missing = f"{site.url}/nothing"
        report = await crawl(site.url, missing)
        by_link = {link.url: link for link in report.links}
        assert (by_link[site.url].status, by_link[site.url].counts.inserted) == (LinkStatus.DONE, 3)
        assert (by_link[missing].status, by_link[missing].reason) == (LinkStatus.FAILED, "http_404")
        assert report.domains["127.0.0.1"].inserted == 3
        assert (report.categories["article"].inserted, report.categories["article"].failed) == (3, 1)
        assert report.counts.bytes_received > 0
