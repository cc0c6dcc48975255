"""LinkedIn's feed in a real Chromium, against a server of its structure."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

import pytest
import pytest_asyncio

from twin_common.documents import Category
from twin_crawler.browser_requests import Answer, RenderPolicy
from twin_crawler.dispatcher import choose_source
from twin_crawler.failures import Failure
from twin_crawler.rendering import Renderer
from twin_crawler.source import File, Finding, Site
from twin_crawler.sources.linkedin import ScrollPolicy, source
from twin_crawler.testing.mock_linkedin import FIRST, SESSION, post, serve_feed
from twin_crawler.testing.mock_site import MockSite

pytestmark = pytest.mark.integration
in_one_loop = pytest.mark.asyncio(loop_scope="module")
FAST = ScrollPolicy(pause_seconds=0.2)


async def fetch(url: str, headers: Mapping[str, str], signed_in: bool) -> Answer | Failure:
    assert signed_in
    try:
        request = Request(url, headers=dict(headers))  # noqa: S310 -- the test's own server
        with build_opener(HTTPRedirectHandler).open(request, timeout=30) as answer:
            return Answer(answer.url, answer.status, tuple(answer.headers.items()), answer.read())
    except HTTPError as error:
        return Answer(url, error.code, (), error.read())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Renderer]:
    running = Renderer(fetch, RenderPolicy())
    yield running
    await running.close()


async def find(
    site: MockSite,
    browser: Renderer | None,
    session: str | None = SESSION,
    policy: ScrollPolicy = FAST,
    known: Mapping[str, str] | None = None,
) -> list[Finding]:
    place = Site(
        link=f"{site.url}/in/ada/",
        fetch=None,  # type: ignore[arg-type]
        known=(),
        max_pages=1000,
        max_bytes=10**7,
        revision_of=(known or {}).get,
        browser=browser,
        secret=lambda name: session if name == "linkedin" else None,
    )
    return [finding async for finding in source(policy).find(place)]


@in_one_loop
class TestFeed:
    async def test_the_owners_posts_of_all_pages(self, site: MockSite, browser: Renderer) -> None:
        items = [post(FIRST + number, f"Thought {number}.") for number in range(12)]
        items[3] = post(FIRST + 3, "Words of Bob", writer="bob", header="reposted this")
        items[7] = post(FIRST + 7, "My view", shared="Words of Bob")
        serve_feed(site, items, ids=[FIRST])
        found = await find(site, browser)
        files = [finding for finding in found if isinstance(finding, File)]
        assert len(files) == len(found) == 11
        assert [file.text for file in files[:4]] == ["Thought 0.", "Thought 1.", "Thought 2.", "Thought 4."]
        assert "Bob" not in repr(files)
        assert "commenter" not in repr(files)
        assert files[0].url == f"https://www.linkedin.com/feed/update/urn:li:share:{FIRST - 1}"
        assert files[1].url == f"https://www.linkedin.com/feed/update/urn:li:activity:{FIRST + 1}"
        assert files[0].category is Category.POST
        assert files[0].published_at is not None
        assert files[0].published_at.replace(microsecond=0) == datetime(2026, 4, 9, 18, 56, 35, tzinfo=UTC)
        assert [file.metadata for file in files if file.metadata] == [{"kind": "reshare"}]
        assert {visit.path.split("?")[0] for visit in site.visits} == {
            "/in/ada/recent-activity/all/",
            "/voyager/api/graphql",
        }

    async def test_scrolling_ends_where_everything_is_known(self, site: MockSite, browser: Renderer) -> None:
        serve_feed(site, [post(FIRST + number, f"Thought {number}.") for number in range(40)])
        found = await find(site, browser)
        known = {finding.url: finding.revision for finding in found if isinstance(finding, File)}
        assert len(known) == 40
        site.visits.clear()
        await find(site, browser, policy=ScrollPolicy(pause_seconds=0.2, known_posts=5), known=known)
        assert len(site.visits) <= 4

    async def test_scrolling_is_bounded(self, site: MockSite, browser: Renderer) -> None:
        serve_feed(site, [post(FIRST + number, f"Thought {number}.") for number in range(60)])
        found = await find(site, browser, policy=ScrollPolicy(scrolls=2, pause_seconds=0.2))
        assert 0 < len(found) < 40

    async def test_an_empty_feed_says_so(self, site: MockSite, browser: Renderer) -> None:
        serve_feed(site, [])
        (failure,) = await find(site, browser)
        assert isinstance(failure, Failure)
        assert failure.reason == "nothing_listed"


class TestSession:
    @in_one_loop
    async def test_a_session_that_ran_out(self, site: MockSite, browser: Renderer) -> None:
        serve_feed(site, [post(FIRST, "Thought")])
        (failure,) = await find(site, browser, session="old")
        assert isinstance(failure, Failure)
        assert failure.reason == "login_required"
        assert "old" not in failure.detail

    @in_one_loop
    async def test_no_session_opens_no_page(self, site: MockSite, browser: Renderer) -> None:
        (failure,) = await find(site, browser, session=None)
        assert isinstance(failure, Failure)
        assert failure.reason == "no_credential"
        assert site.visits == []

    def test_the_session_is_not_shown(self) -> None:
        from twin_crawler.browser_requests import Cookie

        assert SESSION not in repr(Cookie("li_at", SESSION, "www.linkedin.com"))


class TestClaims:
    def test_profiles_only(self) -> None:
        assert choose_source("https://www.linkedin.com/in/ada").name == "linkedin"
        assert choose_source("https://de.linkedin.com/in/ada/recent-activity/all/").name == "linkedin"
        assert choose_source("https://www.linkedin.com/pulse/a-text").name == "article"
