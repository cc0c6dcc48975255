"""The HTML of a text alone becomes the Markdown of a page."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from twin_crawler.extraction import ExtractedPage
from twin_crawler.failures import Failure
from twin_crawler.fragments import read_fragment

URL = "https://blog.example.org/p/a"
DATE = datetime(2024, 5, 6, tzinfo=UTC)


class TestReadFragment:
    def test_title_and_date_are_the_platforms(self) -> None:
        sentence = "A log only ever grows, and that is why it can be read twice."
        html = f"<p>{sentence}</p><ul><li>one</li><li>two</li></ul>"
        page = read_fragment(html, URL, title="On <logs> & more", published_at=DATE)
        assert isinstance(page, ExtractedPage)
        assert (page.title, page.published_at, page.canonical_url) == ("On <logs> & more", DATE, URL)
        assert page.text == ("A log only ever grows, and that is why it can be read twice.\n\n- one\n- two")

    def test_where_it_belongs_may_be_elsewhere(self) -> None:
        elsewhere = "https://other.example.org/a"
        page = read_fragment("<p>A short one.</p>", URL, title="A", published_at=None, canonical=elsewhere)
        assert isinstance(page, ExtractedPage)
        assert (page.canonical_url, page.text) == (elsewhere, "A short one.")

    @given(st.text(max_size=100), st.text(max_size=30))
    def test_any_html_and_title(self, html: str, title: str) -> None:
        page = read_fragment(html, URL, title=title, published_at=None)
        assert isinstance(page, Failure) or set(page.title) <= set(title)
