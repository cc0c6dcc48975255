"""Links and white space come through the extraction."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.html import document_fromstring, tostring

from twin_crawler.extraction import ExtractedPage, extract_page
from twin_crawler.inline_markup import LinkMarks, repair_inline_markup

URL = "https://blog.example/posts/logs"
PROSE = "<p>" + "The paragraph says what the logs are for, and why anybody reads them at all. " * 6 + "</p>"


def extracted(block: str) -> str:
    html = f"<html><body><article>{PROSE}{block}{PROSE}</article></body></html>"
    page = extract_page(html.encode(), URL)
    assert isinstance(page, ExtractedPage)
    return page.text


@pytest.mark.parametrize(
    "block, expected",
    [
        ('<p>See <a href="/a">the log</a> for it.</p>', "See [the log](https://blog.example/a) for it."),
        ('<p>See<a href="/a"> the log </a>for it.</p>', "See [the log](https://blog.example/a) for it."),
        (
            '<p>In <a href="b?x=1&amp;y=2">a <b>b</b></a>.</p>',
            "[a **b**](https://blog.example/posts/b?x=1&y=2)",
        ),
        ('<p>A <a href="/w_(x)">round one</a> here.</p>', "[round one](https://blog.example/w_%28x%29)"),
        ("<ul><li>One <a href='/1'>thing</a></li><li>Two</li></ul>", "[thing](https://blog.example/1)"),
        ('<h2><a id="why"></a>Why it matters</h2>', "## Why it matters"),
        ('<h2><a href="#why"><svg></svg></a>Why it matters</h2>', "## Why it matters"),
        ("<p>It is <i>one</i><span>&nbsp;</span>word of <b>two</b><span> </span>words.</p>", "word of"),
    ],
)
def test_inline_markup_comes_through(block: str, expected: str) -> None:
    assert expected in extracted(block)


@pytest.mark.parametrize("target", ["http://[broken", "", "#part"])
def test_a_link_that_leads_nowhere_leaves_its_text(target: str) -> None:
    text = extracted(f'<p>See <a href="{target}">the log</a> and <a href="/b">the other</a> here.</p>')
    assert "See the log and [the other](https://blog.example/b) here." in text


def test_a_page_in_braille_keeps_its_text() -> None:
    assert "⠓⠑⠇⠇⠕ means hello" in extracted('<p>⠓⠑⠇⠇⠕ means hello in <a href="/b">Braille</a>.</p>')


def test_an_empty_link_in_a_heading_is_unwrapped_and_others_are_not() -> None:
    tree = document_fromstring('<div><h2><a id="x"></a>Why</h2><p><a id="y"></a>So</p></div>')
    repair_inline_markup(tree)
    assert tostring(tree[0][0], encoding="unicode") == '<div><h2>Why</h2><p><a id="y"></a>So</p></div>'


@given(
    st.text(st.characters(min_codepoint=0x2800, max_codepoint=0x2900) | st.sampled_from("ab \n"), max_size=60)
)
def test_torn_marks_leave_no_trace_and_lose_no_word(text: str) -> None:
    restored = LinkMarks(URL, [URL]).put_back(text)
    assert not any("\u2801" <= character <= "\u28ff" for character in restored)
    assert restored.replace(URL, "").count("a") == text.count("a")
