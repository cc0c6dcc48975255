"""Articles that a page carries unseen.

The structures: `<script id="__NEXT_DATA__" type="application/json">{"props": {"pageProps": …}}` from what
Next.js' pages router writes; `__NUXT_DATA__` as a table of values that name each other by place, with
`["Reactive", 1]` before it, from public readers of Nuxt 3's payload; `window.__INITIAL_STATE__ = {…}` as
readers of server-rendered state know it.
"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.html import HtmlElement, document_fromstring

from twin_crawler.embedded_text import embedded_text, unseen_text

URL = "https://blog.example.org/on-logs"
PROSE = " ".join(f"Sentence {number} says something plain about logs and readers." for number in range(20))
OTHER = PROSE.replace("logs", "queues")
HTML = f"<h2>Why</h2><p>{PROSE}</p><p>See <a href='/notes'>the notes</a>.</p>"


def next_data(*posts: dict[str, Any], **properties: Any) -> str:
    state = {"props": {"pageProps": {"posts": posts} | properties}, "page": "/[slug]", "buildId": "x1"}
    return f'<script id="__NEXT_DATA__" type="application/json">{json.dumps(state)}</script>'


def scripts(content: str) -> list[HtmlElement]:
    return list(document_fromstring(f"<html><body><div></div>{content}</body></html>").iter("script"))


def found(content: str, *titles: str) -> str:
    return embedded_text(scripts(content), titles or ("On logs",), URL)


class TestEmbeddedText:
    def test_the_text_beside_the_pages_title_in_markdown(self) -> None:
        page = next_data(
            post={"title": "On  Logs", "body": HTML, "next": {"title": "On queues", "body": OTHER}}
        )
        text = found(page)
        assert text.startswith("## Why\n\nSentence 0")
        assert "[the notes](https://blog.example.org/notes)" in text
        assert "queues" not in text

    def test_among_texts_of_others_none_is_taken_for_the_pages_own(self) -> None:
        posts = [{"title": f"On {name}", "body": PROSE.replace("logs", name)} for name in ("tides", "rain")]
        assert found(next_data(*posts)) == ""
        assert found(next_data(*posts), "On rain").count("rain") == 20

    def test_a_title_above_holds_for_what_bears_none(self) -> None:
        assert found(next_data(post={"headline": "On logs", "content": {"rendered": HTML}}, other=OTHER))

    def test_the_only_text_is_the_articles(self) -> None:
        assert found(next_data(entry={"content": PROSE}), "") == PROSE

    def test_a_table_whose_objects_name_their_values_by_place(self) -> None:
        table = [["Reactive", 1], {"a": 2, "b": 5}, {"title": 3, "body": 4}, "On logs", HTML]
        table += [{"title": 6, "body": 7}, "On queues", OTHER]
        page = f'<script type="application/json" id="__NUXT_DATA__">{json.dumps(table)}</script>'
        assert "queues" not in found(page)
        assert found(page).startswith("## Why")

    @pytest.mark.parametrize("name", ["window.__INITIAL_STATE__", "window['__STATE__']", "self.state"])
    def test_a_state_that_a_script_assigns(self, name: str) -> None:
        state = json.dumps({"post": {"title": "On logs", "html": HTML}}).replace("</", "<\\/")
        assert found(f"<script>var a = 1; {name} = {state}; start();</script>").startswith("## Why")

    @pytest.mark.parametrize(
        "content",
        [
            "<script>window.__NUXT__=(function(a){return {body:a}}('x'))" + "(1)" * 300 + "</script>",
            "<script type='application/json'>" + "[" * 5000 + "</script>",
            "<script type='application/json'>{broken" + "x" * 1000 + "</script>",
            f"<script type='application/ld+json'>{json.dumps({'articleBody': PROSE})}</script>",
            next_data(post={"title": "On logs", "image": "iVBORw0KGgo" * 500, "summary": "Logs grow."}),
            next_data(post={"title": "On logs", "css": ".a{color:red;margin:0}" * 100}),
        ],
    )
    def test_what_is_no_text(self, content: str) -> None:
        assert found(content) == ""

    def test_a_state_of_millions_of_values_is_looked_at_in_part(self) -> None:
        state = {"deep": [{"a": [0] * 1000}] * 300, "post": {"title": "On logs", "body": PROSE}}
        assert found(f"<script type='application/json'>{json.dumps(state)}</script>") in ("", PROSE)

    def test_one_long_text_that_is_named_without_end_is_judged_once(self) -> None:
        """Judged each time it would take hours; the limit of the test's time is the proof."""
        table = [PROSE * 500, *({str(number): 0} for number in range(60_000))]
        assert found(f"<script type='application/json'>{json.dumps(table)}</script>") == PROSE * 500

    @given(
        st.recursive(
            st.none() | st.integers() | st.text() | st.just(PROSE),
            lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["title", "body", "x"]), inner),
        )
    )
    def test_any_state(self, state: Any) -> None:
        text = json.dumps(state).replace("<", "\\u003c")
        assert found(f"<script type='application/json'>{text}</script>") in ("", PROSE)


class TestUnseenText:
    """As pages that fade their paragraphs in keep them for readers without scripts."""

    def test_paragraphs_for_readers_without_scripts(self) -> None:
        page = document_fromstring(f"<html><body><div></div><noscript>{HTML}</noscript></body></html>")
        assert unseen_text(page).startswith("## Why\n\nSentence 0")

    def test_a_plea_for_scripts_is_no_text(self) -> None:
        plea = "<noscript><p>Please enable JavaScript.</p><img src='/pixel.gif'></noscript>"
        assert unseen_text(document_fromstring(f"<html><body>{plea}<p>{PROSE}</p></body></html>")) == ""
