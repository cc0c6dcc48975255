"""HTML of exports as Markdown."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_crawler.html_markdown import parse_html, to_markdown

TAGS = st.sampled_from(
    ["p", "ul", "li", "blockquote", "pre", "b", "a", "table", "tr", "td", "h2", "br", "img"]
)


def markdown(html: str) -> str:
    tree = parse_html(html)
    return to_markdown(tree) if tree is not None else ""


class TestBlocks:
    @pytest.mark.parametrize(
        ("html", "expected"),
        [
            ("<p>One</p><p>Two\n  lines</p>", "One\n\nTwo lines"),
            ("<h2>A <b>bold</b> head</h2><p>x</p>", "## A bold head\n\nx"),
            ("<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>", "- a\n  - b\n- c"),
            ("<ol><li>a</li><li><p>b</p></li></ol>", "1. a\n2. b"),
            ("<blockquote><p>a</p><p>b</p></blockquote>", "> a\n>\n> b"),
            ("<pre><code class='language-go'>a\n\n  b</code></pre>", "```go\na\n\n  b\n```"),
            (
                "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td></tr></table>",
                "| a | b |\n| --- | --- |\n| 1 |  |",
            ),
            (
                "<p>a <a href='https://e.org/x y'>link</a>, <a href='#n'>1</a></p>",
                "a [link](https://e.org/x%20y), 1",
            ),
            ("<p>a <em>b </em>c <code>d</code></p>", "a *b* c `d`"),
            ("<figure><img alt='A cat'><figcaption>Cat</figcaption></figure>", "A cat\n\nCat"),
            ("<p>a<br>b</p><script>evil()</script><style>x</style><!-- c -->", "a\nb"),
            ("", ""),
        ],
    )
    def test_each_kind(self, html: str, expected: str) -> None:
        assert markdown(html) == expected


class TestAnyInput:
    @given(st.text(max_size=200))
    def test_any_text_is_read(self, html: str) -> None:
        markdown(html)

    @given(st.lists(st.tuples(TAGS, st.text("ab \n", max_size=5)), max_size=25))
    def test_no_word_is_lost(self, pieces: list[tuple[str, str]]) -> None:
        html = "".join(f"<{tag}>{text}" for tag, text in pieces)
        tree = parse_html(f"<body>{html}</body>")
        assert tree is not None
        words = "".join(tree.text_content().split())
        assert sum(markdown(html).count(sign) for sign in "ab") == sum(words.count(sign) for sign in "ab")

    @pytest.mark.parametrize("tag", ["div", "b", "ul><li", "blockquote", "table><tr><td"])
    def test_deep_nesting_ends(self, tag: str) -> None:
        started = time.process_time()
        markdown(f"<{tag}>" * 50_000 + "deep")
        assert time.process_time() - started < 120
