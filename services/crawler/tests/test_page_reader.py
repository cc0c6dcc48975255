"""Pages whose text lies elsewhere, with a site that is a dictionary, and one crawl of a real local one.

Structures: paginated articles as in `test_article_parts`; AMP's pair of pages (`<html amp>`,
`rel="canonical"`, `rel="amphtml"`) as the AMP project's starter code has it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from twin_common.documents import Category
from twin_common.events import CrawlReported
from twin_common.identity import AuthorId, canonical_url
from twin_common.warehouse import Warehouse
from twin_crawler.browser_requests import RenderPolicy
from twin_crawler.failures import Failure, failure_of_status
from twin_crawler.page_reader import PageReader, PartLimits
from twin_crawler.rendering import Renderer
from twin_crawler.source import Fetched, Found
from twin_crawler.testing.mock_site import MockSite, article, respond
from twin_crawler.visits import PageAddress, Visit, Written

SITE = "https://blog.example.org"
LIMITS = PartLimits()
NOW = datetime(2026, 1, 2, tzinfo=UTC)
Crawl = Callable[..., Awaitable[CrawlReported]]


def part(number: int, of: int, path: str = "/on-logs", head: str = "") -> str:
    """A part of an article as WordPress breaks it, with links to all others."""
    links = "".join(
        f"<span class='post-page-numbers current'>{other}</span>"
        if other == number
        else f"<a class='post-page-numbers' href='{path}/{other}/'>{other}</a>"
        if other > 1
        else f"<a class='post-page-numbers' href='{path}/'>1</a>"
        for other in range(1, of + 1)
    )
    page = article(
        "On logs", f"This is what part {number} says of logs, and nothing else does. {'So it is. ' * 9}"
    )
    return page.replace("</article>", f"<div class='page-links'>Pages: {links}</div></article>").replace(
        "<head>", f"<head>{head}"
    )


@dataclass
class Pages:
    """A site in memory that notes what it was asked for."""

    pages: dict[str, str | Failure] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def fetch(self, url: str) -> Fetched | Failure:
        path = url.removeprefix(SITE)
        self.asked.append(path)
        path = self.redirects.get(path, path)
        page = self.pages.get(path, failure_of_status(404))
        return page if isinstance(page, Failure) else self.answer(path)

    def answer(self, path: str) -> Fetched:
        page = self.pages[path]
        assert isinstance(page, str)
        url = path if "://" in path else f"{SITE}{path}"
        return Fetched(url, 200, page.encode(), "text/html; charset=utf-8", '"e"')

    async def read(self, path: str, listed: tuple[str, ...] = (), limits: PartLimits = LIMITS) -> Visit:
        async def answer(*_: object) -> Failure:
            raise AssertionError("nothing is rendered here")

        reader = PageReader(
            self.fetch,
            Renderer(answer, RenderPolicy()),
            rendered_sites=(),
            requested_at=NOW,
            is_listed={canonical_url(f"{SITE}{page}") for page in listed}.__contains__,
            limits=limits,
        )
        found = Found(f"{SITE}{path}")
        address = PageAddress(AuthorId("ada"), found, f"{SITE}/", Category.ARTICLE, "web")
        return await reader.read(address, self.answer(path), None)


def said(visit: Visit) -> list[int]:
    """The parts of which a document holds the text, in its order."""
    assert isinstance(visit, Written), visit
    return [
        int(line.split("part ")[1].split()[0]) for line in visit.draft.text.splitlines() if "part " in line
    ]


class TestParts:
    async def test_all_parts_are_one_document_in_their_order_and_what_they_repeat_stands_once(self) -> None:
        pages = Pages({"/on-logs/": part(1, 3), "/on-logs/2/": part(2, 3), "/on-logs/3/": part(3, 3)})
        visit = await pages.read("/on-logs/")
        assert said(visit) == [1, 2, 3]
        assert isinstance(visit, Written)
        assert visit.draft.text.count("explains step 3") == 1
        assert visit.draft.canonical_url == f"{SITE}/on-logs"
        assert not visit.draft.partial
        assert (visit.state.etag, visit.state.last_modified) == (None, None), "they vouch for one part only"
        assert pages.asked == ["/on-logs/2/", "/on-logs/3/"]

    async def test_an_edit_of_the_last_part_is_an_edit_of_the_article(self) -> None:
        pages = Pages({"/on-logs/": part(1, 2), "/on-logs/2/": part(2, 2)})
        first = await pages.read("/on-logs/")
        again = await pages.read("/on-logs/")
        pages.pages["/on-logs/2/"] = part(2, 2).replace("nothing else", "nobody else")
        edited = await pages.read("/on-logs/")
        assert isinstance(first, Written)
        assert isinstance(again, Written)
        assert isinstance(edited, Written)
        digests = [visit.state.content_digest for visit in (first, again, edited)]
        assert digests[0] == digests[1] != digests[2]

    @pytest.mark.parametrize("way_in", ["/on-logs/2/", "/on-logs/3/"])
    async def test_whichever_part_leads_in_the_article_is_read_from_its_beginning(self, way_in: str) -> None:
        pages = Pages({"/on-logs/": part(1, 3), "/on-logs/2/": part(2, 3), "/on-logs/3/": part(3, 3)})
        visit = await pages.read(way_in)
        assert said(visit) == [1, 2, 3]
        assert isinstance(visit, Written)
        assert visit.draft.canonical_url == f"{SITE}/on-logs"

    async def test_a_part_whose_article_the_crawl_reads_anyway_is_only_another_address_of_it(self) -> None:
        pages = Pages({"/on-logs/2/": part(2, 2)})
        visit = await pages.read("/on-logs/2/", listed=("/on-logs/",))
        assert isinstance(visit, Written)
        assert visit.draft.canonical_url == f"{SITE}/on-logs"
        assert pages.asked == []

    async def test_a_part_that_fails_for_a_passing_reason_keeps_the_article_as_it_was(self) -> None:
        pages = Pages({"/on-logs/": part(1, 2), "/on-logs/2/": failure_of_status(503)})
        assert await pages.read("/on-logs/") == Failure(
            "http_503", "part 2 of the article: the server answered 503"
        )

    async def test_a_part_that_is_not_there_leaves_the_rest_and_says_so(self) -> None:
        visit = await Pages({"/on-logs/": part(1, 2)}).read("/on-logs/")
        assert said(visit) == [1]
        assert isinstance(visit, Written)
        assert visit.draft.partial

    async def test_parts_without_end_are_bounded(self) -> None:
        pages = Pages(
            {
                f"/on-logs/{number}/" if number > 1 else "/on-logs/": part(number, 99)
                for number in range(1, 99)
            }
        )
        visit = await pages.read("/on-logs/", limits=PartLimits(parts=5))
        assert said(visit) == [1, 2, 3, 4, 5]
        assert isinstance(visit, Written)
        assert visit.draft.partial
        assert len(pages.asked) == 4

    async def test_a_loop_ends_where_it_closes(self) -> None:
        pages = Pages({"/on-logs/": part(1, 9), "/on-logs/2/": part(2, 9)}, {"/on-logs/3/": "/on-logs/"})
        assert said(await pages.read("/on-logs/")) == [1, 2]
        assert pages.asked == ["/on-logs/2/", "/on-logs/3/"]
        addresses = ["/on-logs/", *(f"/on-logs/{number}/" for number in range(2, 9))]
        pages = Pages(dict.fromkeys(addresses, part(1, 9)))
        assert said(await pages.read("/on-logs/")) == [1]
        assert len(pages.asked) == 1

    async def test_a_part_that_redirects_to_another_site_is_none(self) -> None:
        pages = Pages({"/on-logs/": part(1, 2)}, {"/on-logs/2/": "https://evil.example.net/"})
        pages.pages["https://evil.example.net/"] = part(2, 2)
        assert said(await pages.read("/on-logs/")) == [1]

    async def test_the_pages_of_a_list_are_not_joined(self) -> None:
        teasers = "".join(
            f"<article><h2><a href='/{n}'>On {n}</a></h2><p>{'A teaser. ' * 9}</p></article>"
            for n in range(5)
        )
        page = f"<html><body><main>{teasers}</main><a rel='next' href='/tag/logs/page/2/'>2</a></body></html>"
        pages = Pages({"/tag/logs/": page, "/tag/logs/page/2/": page.replace("teaser", "second")})
        await pages.read("/tag/logs/")
        assert pages.asked == []


class TestAmp:
    AMP = (
        article("On logs")
        .replace("<html lang='en'>", "<html amp lang='en'>")
        .replace("<head>", "<head><link rel='canonical' href='/on-logs'>")
    )
    SHELL = (
        "<html><head><title>On logs</title><link rel='amphtml' href='/on-logs/amp'></head>"
        "<body><div id='root'></div><script src='/app.js'></script></body></html>"
    )

    async def test_the_full_page_is_preferred(self) -> None:
        full = article("On logs", "Only the full page says this.")
        visit = await Pages({"/on-logs/amp": self.AMP, "/on-logs": full}).read("/on-logs/amp")
        assert isinstance(visit, Written)
        assert "Only the full page" in visit.draft.text
        assert visit.draft.canonical_url == f"{SITE}/on-logs"

    @pytest.mark.parametrize("full", [SHELL, failure_of_status(500), failure_of_status(404)])
    async def test_the_amp_page_stands_in_for_one_without_text(self, full: str | Failure) -> None:
        visit = await Pages({"/on-logs/amp": self.AMP, "/on-logs": full}).read("/on-logs/amp")
        assert isinstance(visit, Written)
        assert "explains step 3" in visit.draft.text
        assert visit.draft.canonical_url == f"{SITE}/on-logs"

    async def test_a_page_without_text_is_read_from_its_amp_form(self) -> None:
        visit = await Pages({"/on-logs": self.SHELL, "/on-logs/amp": self.AMP}).read("/on-logs")
        assert isinstance(visit, Written)
        assert "explains step 3" in visit.draft.text
        assert (visit.draft.url, visit.draft.canonical_url) == (f"{SITE}/on-logs", f"{SITE}/on-logs")
        assert visit.state.etag is None

    async def test_an_amp_form_on_another_site_is_not_asked_for(self) -> None:
        shell = self.SHELL.replace("/on-logs/amp", "https://cdn.example.net/on-logs")
        pages = Pages({"/on-logs": shell})
        assert isinstance(await pages.read("/on-logs"), Failure)
        assert pages.asked == []


@pytest.mark.integration
class TestCrawl:
    async def test_an_article_in_parts_is_one_document_however_its_parts_are_listed(
        self, site: MockSite, crawl: Crawl, warehouse: Warehouse
    ) -> None:
        site.pages |= {
            "/": "<html><title>Home</title></html>",
            "/on-logs/": part(1, 2),
            "/on-logs/2/": part(2, 2),
        }
        site.list_in_sitemap(["/on-logs/", "/on-logs/2/"])
        report = await crawl(site.url)
        assert (report.counts.inserted, report.counts.failed) == (1, 0)
        (document,) = [document async for document in warehouse.documents.all()]
        assert "part 1" in document.text
        assert "part 2" in document.text
        again = await crawl(site.url)
        assert (again.counts.unchanged, again.counts.inserted, again.counts.updated) == (2, 0, 0)
        site.pages["/on-logs/2/"] = part(2, 2).replace("nothing else", "nobody else")
        assert (await crawl(site.url)).counts.updated == 1

    async def test_a_part_on_a_forbidden_address_is_not_connected_to(
        self, site: MockSite, crawl: Crawl
    ) -> None:
        site.pages["/on-logs/"] = part(1, 2)
        site.pages["/on-logs/2/"] = respond(302, Location="http://169.254.169.254/on-logs/2/")
        report = await crawl(f"{site.url}/on-logs/")
        assert report.counts.inserted == 1
