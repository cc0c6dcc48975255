"""Where an article goes on, and where only another one begins.

The structures: `/slug/2/` under `post-page-numbers`, and `?p=7&page=2`, as WordPress' own tests of
`wp_link_pages` expect them; `/seite-2` behind "Nächste Seite" and the numbers from Zeit Online's template of
paginated articles; `?page=1` for the second part with `rel="next"` from Drupal's pager templates;
`rel="next"` in the head from a WordPress plug-in for page breaks, to another article from WordPress itself.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.html import HtmlElement, document_fromstring

from twin_crawler.article_parts import first_part, is_list, join_parts, may_have_parts, next_part

SITE = "https://blog.example.org"
ARTICLE = f"{SITE}/on-logs/"


def tree(content: str, head: str = "") -> HtmlElement:
    return document_fromstring(f"<html><head>{head}</head><body>{content}</body></html>")


class TestNextPart:
    @pytest.mark.parametrize(
        ("first", "content", "following"),
        [
            (
                ARTICLE,
                "<p>Pages: <span>1</span> <a class='post-page-numbers' href='{0}2/'>2</a></p>",
                "{0}2/",
            ),
            (ARTICLE, "<a href='{0}2/'>Weiter ›</a>", "{0}2/"),
            (ARTICLE, "<a rel='next' href='?page=1'>Next page</a><a href='?page=2'>Last</a>", "{0}?page=1"),
            (ARTICLE, "<a href='?page=1'>1</a><a href='?page=2'>2</a><a href='?page=3'>3</a>", "{0}?page=2"),
            (f"{SITE}/?p=7", "<a class='post-page-numbers' href='/?p=7&page=2'>2</a>", f"{SITE}/?p=7&page=2"),
            (f"{SITE}/a", "<a href='/a/seite-2'><span>Nächste Seite</span></a>", f"{SITE}/a/seite-2"),
            (f"{SITE}/a.html", "<a href='/a-page-2.html'>Next</a>", f"{SITE}/a-page-2.html"),
            (f"{SITE}/a?id=7", "<a href='/a?id=7&page=2'>2</a>", f"{SITE}/a?id=7&page=2"),
            (f"{SITE}/a/page/1", "<a href='/a/page/2'>2</a>", f"{SITE}/a/page/2"),
            (f"{SITE}/a?utm_source=x", "<a href='/a?page=2'>2</a>", f"{SITE}/a?page=2"),
        ],
    )
    def test_a_number_behind_the_articles_own_address(self, first: str, content: str, following: str) -> None:
        page = tree(content.format(ARTICLE))
        assert next_part(page, first, first, 1) == following.format(ARTICLE)

    @pytest.mark.parametrize(
        ("first", "content"),
        [
            (ARTICLE, "<a rel='next' href='/on-queues/'>On queues</a>"),
            (f"{SITE}/posts/1", "<a rel='next' href='/posts/2'>Next</a>"),
            (f"{SITE}/posts/1", "<a href='/posts/12'>2</a>"),
            (ARTICLE, "<a rel='next' href='/on-logs-2/'>On logs, again</a>"),
            (ARTICLE, "<a href='/on-logs/comment-page-2/'>2</a>"),
            (ARTICLE, "<a href='/on-logs/2/'>A picture of two logs</a>"),
            (ARTICLE, "<a rel='next' href='https://other.example.org/on-logs/2/'>2</a>"),
            (f"{SITE}/", "<a rel='next' href='/2/'>2</a>"),
            (f"{SITE}/", "<a rel='next' href='/?page=2'>2</a>"),
            (f"{SITE}/?p=7", "<a rel='next' href='/?p=8'>Next</a>"),
            (f"{SITE}/index.php?p=1", "<a rel='next' href='/index.php?p=2'>Next</a>"),
            (f"{SITE}/a?page=7&id=1", "<a rel='next' href='/a?page=8&id=2'>Next</a>"),
            (ARTICLE, "<a href='http://[broken/2'>2</a>"),
        ],
    )
    def test_another_article_is_no_part(self, first: str, content: str) -> None:
        assert next_part(tree(content), first, first, 1) is None

    def test_it_never_leads_back(self) -> None:
        page = tree("<a rel='prev' href='/on-logs/'>1</a> 2 <a href='/on-logs/3/'>3</a>")
        assert next_part(page, f"{ARTICLE}2/", ARTICLE, 2) == f"{ARTICLE}3/"
        last = tree("<a rel='next' href='/on-logs/'>Next</a><a rel='next' href='/on-logs/2/'>Next</a>")
        assert next_part(last, f"{ARTICLE}3/", ARTICLE, 3) is None

    def test_the_head_says_it_too(self) -> None:
        page = tree("<p>x</p>", head="<link rel='next' href='/on-logs/2/'>")
        assert next_part(page, ARTICLE, ARTICLE, 1) == f"{ARTICLE}2/"

    @pytest.mark.parametrize(
        "link", ["/on-logs/2/", f"{ARTICLE}2/", "?page=2", "2/", "page-2", "/on-logs?x=1&amp;page=2"]
    )
    def test_a_page_with_such_a_link_is_looked_at(self, link: str) -> None:
        assert may_have_parts(f"<a class=n href='{link}'>2</a>".encode(), ARTICLE)
        assert may_have_parts(f"<a href='{link}'>2</a>".encode(), f"{ARTICLE}3/")

    def test_most_pages_are_not_even_parsed_for_it(self) -> None:
        page = (
            b"<link href='/style.css?v=12'><a href='/2024/05/on-queues/'>x</a><img width='100' src='/12.png'>"
        )
        assert not may_have_parts(page, ARTICLE)


class TestFirstPart:
    def test_a_later_part_names_the_first(self) -> None:
        page = tree("<p>Pages: <a href='/on-logs/'>1</a> <span>2</span></p>")
        assert first_part(page, f"{ARTICLE}2/") == ARTICLE
        page = tree("<a rel='prev' href='/a?id=7'>Back</a>")
        assert first_part(page, f"{SITE}/a?id=7&page=1") == f"{SITE}/a?id=7"
        page = tree("<a href='/a/page/1'>1</a>")
        assert first_part(page, f"{SITE}/a/page/3") == f"{SITE}/a/page/1"

    @pytest.mark.parametrize(
        ("url", "content"),
        [
            (f"{SITE}/posts/2", "<a rel='prev' href='/posts/1'>Previous</a><a href='/posts'>Posts</a>"),
            (f"{SITE}/2024/05/", "<a href='/2024/'>2024</a>"),
            (ARTICLE, "<a href='/on-logs/'>1</a>"),
        ],
    )
    def test_a_numbered_article_is_its_own(self, url: str, content: str) -> None:
        assert first_part(tree(content), url) is None


class TestIsList:
    def test_teasers_are_a_list_and_paragraphs_an_article(self) -> None:
        teaser = "<h2><a href='/x{0}'>On x{0}</a></h2><p>A short teaser.</p>"
        long = f"<p>{'A sentence of the article itself. ' * 10}</p>"
        assert is_list(tree("".join(teaser.format(number) for number in range(5))))
        assert is_list(tree("".join(f"<article>{teaser.format(n)}{long * 3}</article>" for n in range(5))))
        related = "".join(teaser.format(number) for number in range(3))
        assert not is_list(tree(f"<article><h1>On logs</h1>{long * 5}</article><aside>{related}</aside>"))
        assert not is_list(tree(f"<article><h1>On logs</h1>{long * 5}<h2>Why</h2></article>{related}"))


class TestJoinParts:
    def test_what_a_part_repeats_around_its_own_text_is_left_out(self) -> None:
        parts = ["Standfirst.\n\nOne.\n\nSigned.", "Standfirst.\n\nTwo.\n\nOne.\n\nThree.\n\nSigned.", ""]
        assert join_parts(parts) == "Standfirst.\n\nOne.\n\nSigned.\n\nTwo.\n\nOne.\n\nThree."

    @given(st.lists(st.text("ab\n #", max_size=30), max_size=5))
    def test_a_part_that_comes_again_adds_nothing(self, texts: list[str]) -> None:
        assert join_parts([*texts, *texts[:1]]) == join_parts(texts)


@given(st.text("/?=&p1a2-", max_size=20), st.text("/?=&p1a2-", max_size=20))
def test_any_address_is_judged(path: str, other: str) -> None:
    page = tree(f"<a rel=next href='{SITE}/{other}'>2</a>")
    found = next_part(page, f"{SITE}/{path}", f"{SITE}/{path}", 1)
    assert found in (None, f"{SITE}/{other}")
    assert first_part(page, f"{SITE}/{path}") in (None, f"{SITE}/{other}")
    may_have_parts(b"", f"{SITE}/{path}")
