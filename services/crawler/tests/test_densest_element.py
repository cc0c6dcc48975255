"""Where in a page most of the running text stands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.html import HtmlElement, document_fromstring

from twin_crawler.densest_element import densest_element

PROSE = "The paragraph says what the logs are for, and why anybody reads them at all. " * 3
PARAGRAPHS = f"<p>{PROSE}</p>" * 4


def found_in(body: str) -> HtmlElement:
    return densest_element(document_fromstring(f"<html><body>{body}</body></html>"))


@pytest.mark.parametrize(
    "body",
    [
        f"<div><a href='/'>Home</a></div><div id=text>{PARAGRAPHS}</div><div>All rights reserved</div>",
        # The text is in sections, none of which is most of it.
        f"<div><div id=text><section>{PARAGRAPHS}</section><section>{PARAGRAPHS}</section></div></div>",
        # Text without paragraphs.
        f"<div id=text><div>{PROSE}</div><div>{PROSE}</div><div>{PROSE}</div></div><ul><li>Home</li></ul>",
        # More text in links than in the article.
        f"<ul>{f'<li><a href=/a>{PROSE}</a></li>' * 9}</ul><div id=text>{PARAGRAPHS}</div>",
        # More comments than article, by their usual names.
        f"<div id=text>{PARAGRAPHS}</div><div id=comments>{PARAGRAPHS * 3}</div>",
        f"<div id=text>{PARAGRAPHS}</div><ol class='comment-list'>{f'<li>{PARAGRAPHS}</li>' * 3}</ol>",
        f"<aside>{PARAGRAPHS * 3}</aside><div id=text>{PARAGRAPHS}</div>",
    ],
)
def test_it_holds_the_text_and_no_more(body: str) -> None:
    assert found_in(body).get("id") == "text"


def test_a_page_without_running_text_is_taken_as_a_whole() -> None:
    assert found_in("<ul><li>Home</li></ul><p>Loading</p>").tag == "body"


def test_comments_in_the_name_of_the_page_are_no_comments() -> None:
    tree = document_fromstring(f"<html><body class='comments'><div id=text>{PARAGRAPHS}</div></body></html>")
    assert densest_element(tree).get("id") == "text"


@given(
    st.lists(st.sampled_from(["<div>", "</div>", "<p>", "<table><tr><td>", "<aside>", PROSE]), max_size=20)
)
def test_any_page_has_one(parts: list[str]) -> None:
    assert found_in("".join(parts)) is not None
