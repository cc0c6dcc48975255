"""Platforms crawled in the real child process: a publication, a repository, and whose words they are."""

import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from twin_common.authors import Author
from twin_common.documents import Authorship, Category, RawDocument
from twin_common.events import CrawlReported
from twin_common.identity import AuthorId
from twin_common.warehouse import Warehouse
from twin_crawler.testing.git_server import GitServer, commit, create_repository, serve_repositories
from twin_crawler.testing.mock_site import MockSite, article, respond
from twin_crawler.testing.mock_substack import MockSubstack, throttle_once

Crawl = Callable[..., Awaitable[CrawlReported]]

pytestmark = pytest.mark.integration


async def stored(warehouse: Warehouse) -> dict[str, RawDocument]:
    """Every stored document by the last part of its address."""
    return {document.url.rsplit("/", 1)[-1]: document async for document in warehouse.documents.all()}


class TestSubstack:
    async def test_a_publication_under_its_own_domain_from_first_crawl_to_deletion(
        self, site: MockSite, crawl: Crawl, warehouse: Warehouse
    ) -> None:
        substack = MockSubstack(site)
        for number in range(14):
            substack.publish(f"n{number}")
        substack.publish("paid", audience="only_paid")
        substack.publish("guest", publishedBylines=[{"name": "Ben Reed", "is_guest": True}])
        substack.publish("both", publishedBylines=[{"name": "Ada Stone"}, {"name": "Ben Reed"}])
        substack.publish("shared", type="restack")
        throttle_once(site, "/api/v1/posts/n3")
        first = await crawl(site.url, retries=2)
        assert (first.counts.inserted, first.counts.failed) == (17, 0)
        documents = await stored(warehouse)
        assert documents["n0"].platform == "substack"
        assert documents["n0"].url == f"{site.url}/p/n0"
        assert "Subscribe" not in documents["n0"].text
        assert {name for name, document in documents.items() if document.partial} == {"paid"}
        assert documents["guest"].authorship is Authorship.OTHER
        assert documents["both"].authorship is Authorship.UNCLEAR
        assert documents["n0"].authorship is Authorship.OWNER
        assert "shared" not in documents
        assert len(site.asked_for("/")) == 1, "the front page is looked at once"

        seen = len(site.visits)
        second = await crawl(site.url)
        assert (second.counts.unchanged, second.counts.updated, second.counts.inserted) == (17, 0, 0)
        assert not [visit for visit in site.visits[seen:] if "/posts/" in visit.path], "no body is fetched"

        body = substack.posts["n5"]["body_html"].replace("grows", "ends")
        substack.publish("n5", body_html=body, updated_at="2024-06-01T00:00:00Z", reaction_count=9)
        substack.publish("n6", reaction_count=9)
        substack.delete("n7")
        seen = len(site.visits)
        third = await crawl(site.url)
        assert (third.counts.updated, third.counts.gone_once) == (1, 1)
        assert {visit.path for visit in site.visits[seen:] if "/posts/" in visit.path} == {
            "/api/v1/posts/n5",
            "/api/v1/posts/n7",
        }
        fourth = await crawl(site.url)
        assert (fourth.counts.deleted, fourth.counts.updated) == (1, 0)
        assert "n7" not in await stored(warehouse)


class TestMedium:
    async def test_a_publication_under_its_own_domain(
        self, site: MockSite, crawl: Crawl, warehouse: Warehouse
    ) -> None:
        """The front page names Medium's app; a story is sent round by its identity service and comes back."""
        words = " ".join(f"Sentence {number} of a log that only ever grows." for number in range(12))
        site.pages["/"] = (
            '<html><head><meta property="al:android:package" content="com.medium.reader"></head><body>'
            "<script>window.__APOLLO_STATE__ = {}</script></body></html>"
        )
        stories = ("on-logs-0123456789ab", "locked-0123456789ac", "guest-0123456789ad")
        for slug, locked, creator in zip(
            stories, (False, True, False), ("Ada Stone", "Ada Stone", "Ben Reed"), strict=True
        ):
            identity = slug.rsplit("-", 1)[-1]
            content = {
                "isLockedPreviewOnly": locked,
                "bodyModel": {"paragraphs": [{"__ref": f"Paragraph:{identity}_0"}]},
            }
            state = {
                "User:7": {"name": creator},
                f"Paragraph:{identity}_0": {"type": "P", "text": words, "markups": []},
                f"Post:{identity}": {
                    "title": slug,
                    "creator": {"__ref": "User:7"},
                    "mediumUrl": f"{site.url}/{slug}",
                    'content({"postMeteringOptions":{}})': content,
                },
            }
            script = f"<script>window.__APOLLO_STATE__ = {json.dumps(state)}</script>"
            site.pages[f"/{slug}"] = respond(307, Location=f"/m/global-identity-2?redirectUrl=/{slug}")
            site.pages[f"/m/global-identity-2?redirectUrl=/{slug}"] = respond(
                302, Location=f"/{slug}?gi=5d41402abc4b"
            )
            site.pages[f"/{slug}?gi=5d41402abc4b"] = f"<html><body>{script}</body></html>"
        site.list_in_sitemap([f"/{slug}" for slug in stories] + ["/about"])
        first = await crawl(site.url)
        assert (first.counts.inserted, first.counts.failed) == (3, 0), first.errors
        documents = await stored(warehouse)
        assert set(documents) == set(stories)
        assert all(document.platform == "medium" for document in documents.values())
        assert {name for name, document in documents.items() if document.partial} == {stories[1]}
        assert documents[stories[2]].authorship is Authorship.OTHER
        second = await crawl(site.url)
        assert (second.counts.unchanged, second.counts.updated) == (3, 0)


class TestAuthorship:
    async def test_a_site_where_several_write(
        self, site: MockSite, crawl: Crawl, warehouse: Warehouse
    ) -> None:
        await warehouse.authors.put(
            Author(author_id=AuthorId("ada"), name="Ada Stone", aliases=("The Log Keeper",))
        )
        site.write_articles(4)
        creators = ("Ada Stone", "Ben Reed", "The Log Keeper", "")
        items = "".join(
            f"<item><link>{site.url}/posts/{number}</link><dc:creator>{name}</dc:creator></item>"
            for number, name in enumerate(creators)
        )
        feed = (
            f"<rss version='2.0' xmlns:dc='http://purl.org/dc/elements/1.1/'><channel>{items}</channel></rss>"
        )
        site.pages["/feed.xml"] = respond(200, feed.encode(), "application/rss+xml")
        by_ben = (
            '<script type="application/ld+json">{"@type": "Article", "author": {"name": "Ben Reed"}}</script>'
        )
        site.pages["/posts/0"] = article("Post 0").replace("</head>", f"{by_ben}</head>")
        await crawl(site.url)
        found = {name: document.authorship for name, document in (await stored(warehouse)).items()}
        assert found == {"0": "other", "1": "other", "2": "owner", "3": "unclear"}


class TestRepository:
    @pytest.fixture
    def server(self, tmp_path: Path) -> Iterator[GitServer]:
        with serve_repositories(tmp_path / "repositories") as running:
            yield running

    async def test_from_first_crawl_to_push(
        self, site: MockSite, server: GitServer, crawl: Crawl, warehouse: Warehouse
    ) -> None:
        repository = create_repository(server.folder / "ada" / "notes.git")
        files = {b"README.md": b"# Notes\n\nWords.\n", b"src/log.py": b"def read():\n    return []\n"}
        commit(repository, files | {b"old.py": b"x = 1\n", b"vendor/a.py": b"y = 1\n"})
        link = f"{server.url}/ada/notes.git"
        endpoints = f"{site.endpoint},{server.endpoint}"
        first = await crawl(link, trusted_endpoints=endpoints)
        assert (first.counts.inserted, first.counts.failed) == (3, 0), first.errors
        documents = await stored(warehouse)
        assert documents["log.py"].category is Category.CODE
        assert documents["README.md"].category is Category.ARTICLE
        assert documents["log.py"].metadata["repository"] == "ada/notes"
        second = await crawl(link, trusted_endpoints=endpoints)
        assert (second.counts.unchanged, second.counts.discovered) == (3, 3)
        commit(repository, files | {b"src/log.py": b"def read():\n    return [1]\n"})
        third = await crawl(link, trusted_endpoints=endpoints)
        assert (third.counts.updated, third.counts.deleted, third.counts.unchanged) == (1, 1, 1)
        after = await stored(warehouse)
        assert set(after) == {"README.md", "log.py"}
        assert (after["log.py"].version, after["README.md"].version) == (2, 1)
