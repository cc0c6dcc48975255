"""Which source gets which link."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from twin_crawler import sources
from twin_crawler.dispatcher import NoSource, all_sources, choose_source, recognise_source
from twin_crawler.failures import Failure
from twin_crawler.source import Fetched, Finding, Found, Site, Source


async def _nothing(site: Site) -> AsyncIterator[Finding]:
    for nothing in list[Found]():
        yield nothing


def source(name: str, *hosts: str) -> Source:
    return Source(name=name, claims=lambda _: True, find=_nothing, hosts=frozenset(hosts))


class TestChooseSource:
    @pytest.mark.parametrize(
        ("link", "name"),
        [
            ("https://medium.com/@ada/x", "medium"),
            ("https://ada.medium.com/x", "medium"),
            ("https://MEDIUM.com./x", "medium"),
            ("https://medium.com.evil.example/x", "any"),
            ("https://notmedium.com/x", "any"),
            ("https://evil.example/medium.com", "any"),
            ("https://evil.example/?medium.com", "any"),
            ("https://medium.com@evil.example/x", "any"),
            ("https://medium.co/x", "any"),
        ],
    )
    def test_exact_host_or_subdomain_only(self, link: str, name: str) -> None:
        assert choose_source(link, [source("any"), source("medium", "medium.com")]).name == name

    def test_no_source(self) -> None:
        with pytest.raises(NoSource):
            choose_source("https://a.example.org", [source("medium", "medium.com")])

    @pytest.mark.parametrize(
        ("link", "name"),
        [
            ("https://a.example.org", "site"),
            ("https://a.example.org/", "site"),
            ("https://a.example.org/?ref=x", "site"),
            ("https://a.example.org/feed", "site"),
            ("https://a.example.org/feed/", "site"),
            ("https://a.example.org/blog/rss.xml", "site"),
            ("https://a.example.org/atom.xml", "site"),
            ("https://a.example.org/index.xml", "site"),
            ("https://a.example.org/feed.json", "site"),
            ("https://a.example.org/sitemap.xml", "site"),
            ("https://a.example.org/sitemap_index.xml.gz", "site"),
            ("https://a.example.org/posts/why-feeds-matter", "article"),
            ("https://a.example.org/posts/rss-is-not-dead", "article"),
            ("https://a.example.org/index.html", "article"),
            ("https://a.example.org/p/feedback", "article"),
        ],
    )
    def test_roots_and_feeds_are_sites_and_deeper_pages_articles(self, link: str, name: str) -> None:
        assert choose_source(link).name == name

    def test_every_file_of_sources_is_listed(self) -> None:
        folder = Path(sources.__path__[0])
        files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
        assert {found.name for found in all_sources()} == files


class TestRecogniseSource:
    async def test_a_platform_behind_a_domain_of_its_own_is_found_by_one_look_at_the_front_page(self) -> None:
        page = b'<script src="https://substackcdn.com/x"></script><script>window._preloads = 1</script>'
        asked: list[str] = []

        async def fetch(url: str) -> Fetched | Failure:
            asked.append(url)
            return Fetched(url, 200, page)

        for link in ("https://letters.example.org", "https://letters.example.org/p/a-post"):
            assert (await recognise_source(link, fetch)).name == "substack"
        assert asked == ["https://letters.example.org/"] * 2

    async def test_a_link_no_platform_could_stand_behind_costs_nothing(self) -> None:
        async def fetch(url: str) -> Fetched | Failure:
            raise AssertionError(url)

        assert (await recognise_source("https://a.example.org/posts/a", fetch)).name == "article"
        assert (await recognise_source("https://ada.substack.com/p/a", fetch)).name == "substack"

    async def test_a_front_page_that_cannot_be_had_leaves_the_general_source(self) -> None:
        async def fetch(url: str) -> Fetched | Failure:
            return Failure("dns", "the host's name does not resolve")

        assert (await recognise_source("https://a.example.org/", fetch)).name == "site"


class TestNewSource:
    def test_a_file_put_into_sources_suffices(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "gopher.py").write_text(
            "from twin_crawler.source import Found, Source\n"
            "async def find(site):\n    yield Found(site.link)\n"
            "hosts = frozenset({'gopher.example'})\n"
            "SOURCE = Source('gopher', claims=lambda link: True, find=find, hosts=hosts)\n"
        )
        monkeypatch.setattr(sources, "__path__", [*sources.__path__, str(tmp_path)])
        all_sources.cache_clear()
        try:
            assert choose_source("https://gopher.example/a").name == "gopher"
            assert choose_source("https://other.example/a").name == "article"
        finally:
            all_sources.cache_clear()
            sys.modules.pop("twin_crawler.sources.gopher", None)
