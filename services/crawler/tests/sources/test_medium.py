"""Medium's feeds and stories, from pages in the structure that Medium gives.

The state's shape (`Post:ID` with `content({…})`, `bodyModel.paragraphs` as `__ref`s, `markups` counted in
UTF-16, `isLockedPreviewOnly`) was learnt from public readers of `window.__APOLLO_STATE__` and of the same
fields in Medium's GraphQL answers; that a host of its own has a feed and a sitemap, from public crawlers.
"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_crawler.dispatcher import choose_source
from twin_crawler.failures import Failure, failure_of_status
from twin_crawler.source import Fetched, Found, ReadPage, Site
from twin_crawler.sources.medium import SOURCE

STORY = "https://medium.com/@ada/on-logs-0123456789ab"
WORDS = "A log only ever grows, and that is why it can be read twice without any harm."


def paragraph(kind: str, text: str, *markups: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"__typename": "Paragraph", "type": kind, "text": text, "markups": list(markups)} | fields


def mark(kind: str, start: int, end: int, **fields: Any) -> dict[str, Any]:
    return {"__typename": "Markup", "type": kind, "start": start, "end": end} | fields


def story(
    *paragraphs: dict[str, Any], locked: bool = False, creator: str = "Ada Stone", **fields: Any
) -> bytes:
    """A story's page: scripts around an article, and the state as the last of them."""
    refs = [{"__ref": f"Paragraph:{number}"} for number in range(len(paragraphs))]
    post = {
        "__typename": "Post",
        "id": "0123456789ab",
        "title": "On logs",
        "creator": {"__ref": "User:7"},
        "firstPublishedAt": 1714986000000,
        "mediumUrl": STORY,
        "canonicalUrl": "",
        "isLockedPreviewOnly": locked,
        'content({"postMeteringOptions":{}})': {
            "isLockedPreviewOnly": locked,
            "bodyModel": {"__typename": "RichText", "paragraphs": refs},
        },
    } | fields
    state = {
        "ROOT_QUERY": {"__typename": "Query"},
        "User:7": {"id": "7", "name": creator, "username": "ada"},
        "Post:0123456789ab": post,
        "Post:ffffffffffff": {"id": "ffffffffffff", "title": "Read next", "creator": {"__ref": "User:7"}},
        **{f"Paragraph:{number}": entry for number, entry in enumerate(paragraphs)},
    }
    script = f"<script>window.__APOLLO_STATE__ = {json.dumps(state)}</script>"
    return f"<html><head></head><body><h1>On logs</h1>{script}<script>1</script></body></html>".encode()


def read(body: bytes, url: str = STORY) -> ReadPage:
    page = SOURCE.read(Fetched(url, 200, body, "text/html; charset=utf-8"), url)
    assert isinstance(page, ReadPage), page
    return page


class TestRead:
    def test_a_story_with_everything_in_it(self) -> None:
        link = mark("A", 2, 5, href="https://example.org/log", anchorType="LINK")
        body = story(
            paragraph("H3", "On logs"),
            paragraph("P", WORDS, link, mark("STRONG", 0, 5)),
            paragraph("H4", "Reading"),
            paragraph("ULI", "one"),
            paragraph("ULI", "two"),
            paragraph("PRE", "def read():\n    pass", codeBlockMetadata={"lang": "python"}),
            paragraph("BQ", "Somebody said this, and it is quoted here."),
            paragraph("MIXTAPE_EMBED", "Another story\nby somebody else"),
            paragraph("P", WORDS),
        )
        page = read(body)
        text = page.page.text
        assert not text.startswith("# On logs")
        assert "[log](https://example.org/log)" in text or "[**log**](https://example.org/log)" in text
        assert "### Reading" in text
        assert "- one\n- two" in text
        assert "```python\ndef read():\n    pass\n```" in text
        assert "> Somebody said this" in text
        assert "Another story" not in text
        assert page.authors == ("Ada Stone",)
        assert page.page.title == "On logs"
        assert str(page.page.published_at) == "2024-05-06 09:00:00+00:00"
        assert not page.partial

    def test_marks_are_counted_as_javascript_counts(self) -> None:
        text = read(story(paragraph("P", f"🙂🙂 bold {WORDS}", mark("STRONG", 5, 9)))).page.text
        assert "**bold**" in text

    def test_marks_that_overlap_or_lie_outside(self) -> None:
        marks = (
            mark("STRONG", 0, 9),
            mark("EM", 4, 900),
            mark("CODE", -5, 1),
            mark("A", 3, 2),
            mark("X", 0, 3),
        )
        broken = {"type": "STRONG", "start": None, "end": "x"}
        text = read(story(paragraph("P", WORDS, *marks, broken))).page.text
        letters = "".join(sign for sign in text if sign.isalnum())
        assert letters == "".join(sign for sign in WORDS if sign.isalnum())

    @given(st.text(max_size=80), st.integers(-5, 90), st.integers(-5, 90))
    def test_any_text_and_mark(self, text: str, start: int, end: int) -> None:
        body = story(paragraph("P", text, mark("STRONG", start, end)), paragraph("PRE", text), title=text)
        assert isinstance(SOURCE.read(Fetched(STORY, 200, body, "text/html"), STORY), ReadPage | Failure)

    def test_a_member_only_preview_is_partial(self) -> None:
        assert read(story(paragraph("P", WORDS), locked=True)).partial

    def test_a_story_of_another_publication_belongs_there(self) -> None:
        url = "https://ada.example.org/on-logs"
        assert read(story(paragraph("P", WORDS), canonicalUrl=url)).page.canonical_url == url

    def test_a_comment_is_left_out(self) -> None:
        body = story(paragraph("P", WORDS), inResponseToPostResult={"__ref": "Post:ffffffffffff"})
        refused = SOURCE.read(Fetched(STORY, 200, body, "text/html"), STORY)
        assert isinstance(refused, Failure)
        assert refused.reason == "reply"

    def test_a_guest_is_named(self) -> None:
        assert read(story(paragraph("P", WORDS), creator="Ben Reed")).authors == ("Ben Reed",)

    @pytest.mark.parametrize(
        "state", [b"", b"window.__APOLLO_STATE__ = {broken", b"window.__APOLLO_STATE__ = [1]"]
    )
    def test_without_a_state_the_page_is_read_as_any_other(self, state: bytes) -> None:
        article = f"<html><body><article><h1>On logs</h1><p>{WORDS} {WORDS}</p></article>".encode()
        page = read(article + b"<script>" + state + b"</script></body></html>")
        assert WORDS in page.page.text


def feed(*links: str, updated: str = "2024-05-06T09:00:00.000Z") -> bytes:
    items = "".join(
        f"<item><link>{link}?source=rss-1---2</link><dc:creator>Ada Stone</dc:creator>"
        f"<atom:updated>{updated}</atom:updated></item>"
        for link in links
    )
    return (
        '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        f'xmlns:atom="http://www.w3.org/2005/Atom"><channel>{items}</channel></rss>'
    ).encode()


async def find(
    pages: dict[str, bytes], link: str, known: tuple[str, ...] = ()
) -> tuple[list[Found], list[str]]:
    async def fetch(url: str) -> Fetched | Failure:
        return Fetched(url, 200, pages[url], "text/xml") if url in pages else failure_of_status(404)

    found = [finding async for finding in SOURCE.find(Site(link, fetch, known, 100, 10**6))]
    return (
        [entry for entry in found if isinstance(entry, Found)],
        [entry.reason for entry in found if isinstance(entry, Failure)],
    )


class TestFind:
    async def test_a_profile_by_its_feed_then_what_was_known(self) -> None:
        old = "https://medium.com/@ada/older-ba9876543210"
        outside = "https://pub.example.org/on-clocks-aaaabbbbcccc"
        pages = {"https://medium.com/feed/@ada": feed(STORY, outside, "https://medium.com/@ada/about")}
        found, failures = await find(pages, "https://medium.com/@ada", known=(STORY, old))
        assert [entry.url for entry in found] == [STORY, outside, old]
        assert found[0].revision == "2024-05-06T09:00:00.000Z"
        assert found[0].authors == ("Ada Stone",)
        assert found[2].revision is None
        assert failures == []

    async def test_a_publication_by_its_feed(self) -> None:
        pages = {"https://medium.com/feed/the-press": feed(STORY)}
        assert [entry.url for entry in (await find(pages, "https://medium.com/the-press"))[0]] == [STORY]

    async def test_a_host_of_its_own_by_feed_and_sitemap(self) -> None:
        home = "https://ada.medium.com/"
        stories = [f"{home}new-0123456789ab", f"{home}old-ba9876543210"]
        entries = "".join(f"<url><loc>{url}</loc></url>" for url in (*stories, f"{home}about", home))
        pages = {
            home: b"<html></html>",
            f"{home}feed": feed(stories[0]),
            f"{home}sitemap.xml": f"<urlset>{entries}</urlset>".encode(),
        }
        assert [entry.url for entry in (await find(pages, home))[0]] == stories

    async def test_no_feed_is_a_failure(self) -> None:
        assert await find({}, "https://medium.com/@ada", known=(STORY,)) == ([], ["http_404"])
        pages = {"https://medium.com/feed/@ada": b"<html>Sign in</html>"}
        assert await find(pages, "https://medium.com/@ada") == ([], ["no_feed"])


class TestLinks:
    @pytest.mark.parametrize(
        ("link", "name"),
        [
            ("https://medium.com/@ada", "medium"),
            ("https://medium.com/feed/@ada", "medium"),
            ("https://medium.com/the-press", "medium"),
            (STORY, "medium"),
            ("https://medium.com/p/0123456789ab", "medium"),
            ("https://ada.medium.com/", "medium"),
            ("https://ada.medium.com/on-logs-0123456789ab", "medium"),
            ("https://medium.com/tag/logs", "article"),
            ("https://medium.com/search", "article"),
            ("https://ada.medium.com/about", "article"),
        ],
    )
    def test_places_and_stories(self, link: str, name: str) -> None:
        assert choose_source(link).name == name

    def test_a_domain_of_its_own_is_recognised_by_its_front_page(self) -> None:
        page = b'<meta content="com.medium.reader"><script>window.__APOLLO_STATE__ = {}</script>'
        assert SOURCE.recognises is not None
        assert SOURCE.recognises(Fetched("https://ada.example.org/", 200, page))
        assert not SOURCE.recognises(Fetched("https://x.example.org/", 200, b"__APOLLO_STATE__"))
