"""Substack's archive and posts, from answers in the structure that Substack gives.

The fields and the paging were learnt from public clients of the same endpoints (NHagar/substack_api and
others) and from recorded answers in their tests: an archive page may be shorter than what was asked for,
`audience` is everyone, only_paid, only_free or founding, and without a subscription `body_html` of a paid
post ends at the paywall or is null.
"""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_crawler.dispatcher import choose_source
from twin_crawler.failures import Failure, failure_of_status
from twin_crawler.source import Fetched, Found, ReadPage, Site
from twin_crawler.sources.substack import SOURCE

HOME = "https://ada.substack.com/"


def post(slug: str, **fields: Any) -> dict[str, Any]:
    """A post as the archive and the post's own address give it."""
    return {
        "id": abs(hash(slug)) % 10**9,
        "publication_id": 12345,
        "type": "newsletter",
        "slug": slug,
        "title": f"On {slug}",
        "subtitle": "",
        "post_date": "2024-05-06T09:00:00.000Z",
        "audience": "everyone",
        "canonical_url": f"{HOME}p/{slug}",
        "wordcount": 120,
        "reaction_count": 3,
        "comment_count": 1,
        "truncated_body_text": "A log only ever grows.",
        "publishedBylines": [{"id": 7, "name": "Ada Stone", "handle": "adastone", "is_guest": False}],
    } | fields


def answer(body: Any, url: str = HOME) -> Fetched:
    return Fetched(url, 200, json.dumps(body).encode(), "application/json; charset=utf-8")


class Archive:
    """A publication's archive; asked for more it gives at most `page` posts."""

    def __init__(self, posts: list[dict[str, Any]], page: int = 12, home: str = HOME) -> None:
        self.posts, self.page, self.home = posts, page, home
        self.asked: list[str] = []

    async def fetch(self, url: str) -> Fetched | Failure:
        self.asked.append(url)
        query = parse_qs(urlsplit(url).query)
        offset = int(query["offset"][0])
        return answer(self.posts[offset : offset + self.page], self.home + "api/v1/archive")


async def find(
    archive: Archive, link: str = HOME, known: tuple[str, ...] = (), **site: Any
) -> tuple[list[Found], list[str]]:
    settings = {"max_pages": 1000, "max_bytes": 10**6} | site
    found = [finding async for finding in SOURCE.find(Site(link, archive.fetch, known, **settings))]
    return (
        [entry for entry in found if isinstance(entry, Found)],
        [entry.reason for entry in found if isinstance(entry, Failure)],
    )


class TestFind:
    async def test_every_post_of_a_long_archive_once(self) -> None:
        archive = Archive([post(f"n{number}") for number in range(100)])
        found, failures = await find(archive)
        assert [entry.url for entry in found] == [f"{HOME}p/n{number}" for number in range(100)]
        assert found[0].request_url == f"{HOME}api/v1/posts/n0"
        assert failures == []
        assert len(archive.asked) < 15

    async def test_a_publication_with_a_domain_of_its_own_is_followed_there(self) -> None:
        found, _ = await find(Archive([post("a")], home="https://letters.example.org/"))
        assert found[0].url == "https://letters.example.org/p/a"
        assert found[0].request_url == "https://letters.example.org/api/v1/posts/a"

    async def test_what_vanished_from_the_archive_is_looked_at_again(self) -> None:
        found, _ = await find(Archive([post("a")]), known=(f"{HOME}p/a", f"{HOME}p/gone"))
        assert [(entry.url, entry.revision is None) for entry in found] == [
            (f"{HOME}p/a", False),
            (f"{HOME}p/gone", True),
        ]

    async def test_likes_are_no_edit_but_words_and_bylines_are(self) -> None:
        async def revision(**fields: Any) -> str | None:
            return (await find(Archive([post("a", **fields)])))[0][0].revision

        same = await revision()
        assert await revision(reaction_count=99, comment_count=50) == same
        edits: tuple[dict[str, Any], ...] = (
            {"title": "New"},
            {"wordcount": 121},
            {"audience": "only_paid"},
            {"updated_at": "2024-05-07T00:00:00Z"},
            {"publishedBylines": []},
        )
        for edit in edits:
            assert await revision(**edit) != same

    async def test_a_shared_post_is_left_out(self) -> None:
        archive = Archive([post("a"), post("b", type="restack"), post("c", restacked_post_id=9)])
        assert [entry.url for entry in (await find(archive))[0]] == [f"{HOME}p/a"]

    async def test_a_huge_archive_is_bounded_and_the_next_crawl_goes_on(self) -> None:
        archive = Archive([post(f"n{number}") for number in range(300)], page=50)
        first, failures = await find(archive, max_pages=100)
        assert (len(first), failures) == (100, ["too_many_pages"])
        read = {entry.url: entry.revision for entry in first}
        second, failures = await find(archive, max_pages=100, revision_of=read.get)
        assert (len(second), failures) == (200, ["too_many_pages"])
        read |= {entry.url: entry.revision for entry in second}
        assert len((await find(archive, max_pages=100, revision_of=read.get))[0]) == 300

    async def test_an_archive_that_repeats_itself_ends(self) -> None:
        class Loop(Archive):
            async def fetch(self, url: str) -> Fetched | Failure:
                self.asked.append(url)
                return answer(self.posts)

        loop = Loop([post("a"), post("b")])
        assert len((await find(loop))[0]) == 2
        assert len(loop.asked) == 2

    @pytest.mark.parametrize(
        ("given", "reason"),
        [
            (failure_of_status(429), "http_429"),
            (answer({"error": "no"}), "archive_unreadable"),
            (Fetched(HOME, 200, b"<html>blocked</html>"), "no_json"),
            (Fetched(HOME, 200, b"[" * 100_000), "no_json"),
        ],
    )
    async def test_an_archive_that_cannot_be_read_is_one_failure(
        self, given: Fetched | Failure, reason: str
    ) -> None:
        class Broken(Archive):
            async def fetch(self, url: str) -> Fetched | Failure:
                return given

        assert await find(Broken([]), known=(f"{HOME}p/a",)) == ([], [reason])

    async def test_one_post_by_its_link(self) -> None:
        archive = Archive([])
        found, _ = await find(archive, link=f"{HOME}p/a-b?utm_source=x")
        assert [entry.url for entry in found] == [f"{HOME}p/a-b"]
        assert archive.asked == []


def read(url: str = f"{HOME}p/a", **fields: Any) -> ReadPage:
    page = SOURCE.read(answer(post("a", **fields)), url)
    assert isinstance(page, ReadPage), page
    return page


WORDS = "A log only ever grows, and that is why it can be read twice."
BODY = f"<p>{WORDS}</p><h2>Reading</h2><p>Begin at the end.</p>"


class TestRead:
    def test_text_title_date_and_byline(self) -> None:
        read_page = read(body_html=BODY, subtitle="A beginning")
        assert read_page.page.text.startswith("A log only ever grows")
        assert "## Reading" in read_page.page.text
        assert read_page.page.title == "On a"
        assert str(read_page.page.published_at) == "2024-05-06 09:00:00+00:00"
        assert read_page.authors == ("Ada Stone",)
        assert read_page.metadata == {"subtitle": "A beginning"}
        assert not read_page.partial

    @pytest.mark.parametrize("audience", ["only_paid", "only_free", "founding"])
    def test_a_preview_is_partial(self, audience: str) -> None:
        assert read(body_html=BODY, audience=audience).partial

    def test_without_a_body_the_preview_text_stands(self) -> None:
        read_page = read(body_html=None, audience="only_paid")
        assert (read_page.page.text, read_page.partial) == ("A log only ever grows.", True)

    def test_other_peoples_blocks_and_buttons_are_left_out(self) -> None:
        blocks = "".join(
            f'<div class="{name} x"><p>Words of somebody else here.</p></div> and on'
            for name in ("embedded-post-wrap", "tweet", "subscription-widget-wrap", "digest-post-embed")
        )
        text = read(
            body_html=f"{BODY}<div><p>Kept words.</p>{blocks}</div>{blocks}<p>Last words.</p>"
        ).page.text
        assert "somebody else" not in text
        assert "Kept words." in text
        assert text.endswith("Last words.")

    def test_a_guest_post_names_its_author(self) -> None:
        assert read(body_html=BODY, publishedBylines=[{"name": "Ben Reed", "is_guest": True}]).authors == (
            "Ben Reed",
        )

    def test_the_publications_other_domain_is_canonical(self) -> None:
        custom = "https://letters.example.org/p/a"
        assert read(body_html=BODY, canonical_url=custom).page.canonical_url == custom

    @pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"slug": 3}', b"\xff", b"<p>no</p>"])
    def test_what_is_no_post_is_a_failure(self, body: bytes) -> None:
        assert isinstance(SOURCE.read(Fetched(HOME, 200, body), HOME), Failure)

    @given(st.text(max_size=80), st.text(max_size=80))
    def test_any_body_and_title(self, title: str, body_html: str) -> None:
        for html in (body_html, f"<p>{body_html}</p><div class='tweet'>{body_html}"):
            read_page = SOURCE.read(answer(post("a", title=title, body_html=html)), HOME)
            assert isinstance(read_page, ReadPage | Failure)


class TestLinks:
    @pytest.mark.parametrize(
        ("link", "name"),
        [
            (HOME, "substack"),
            ("https://ada.substack.com/archive", "substack"),
            ("https://ada.substack.com/p/a-post", "substack"),
            ("https://substack.com/@ada", "article"),
            ("https://ada.substack.com/about", "article"),
            ("https://ada.substack.com.evil.example/p/a", "article"),
        ],
    )
    def test_publications_and_posts(self, link: str, name: str) -> None:
        assert choose_source(link).name == name

    def test_a_domain_of_its_own_is_recognised_by_its_front_page(self) -> None:
        page = b'<script src="https://substackcdn.com/x.js"></script><script>window._preloads = {}</script>'
        assert SOURCE.recognises is not None
        assert SOURCE.recognises(Fetched("https://letters.example.org/", 200, page))
        assert not SOURCE.recognises(Fetched(HOME, 200, b'<a href="https://substackcdn.com/">picture</a>'))
