"""Which source gets which link."""

from collections.abc import AsyncIterator

import pytest

from twin_crawler.dispatcher import NoSource, all_sources, choose_source
from twin_crawler.failures import Failure
from twin_crawler.source import Found, Site, Source


async def _nothing(site: Site) -> AsyncIterator[Found | Failure]:
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
        assert {found.name for found in all_sources()} == {"article", "site"}
