"""Real-looking pages, and what is kept of them."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml.html import document_fromstring

from twin_crawler.extraction import ExtractedPage, extract_file, extract_page
from twin_crawler.failures import Failure
from twin_crawler.page_metadata import PageMetadata

_TAGS = ("p", "div", "ul", "li", "b", "a", "table", "td", "pre", "blockquote", "article", "noscript")
URL = "https://blog.example.org/posts/logs"
PROSE = " ".join(f"Sentence {number} says something plain about logs and readers." for number in range(12))


def page(content: str, head: str = "<title>On logs</title>", attributes: str = "lang='en-GB'") -> bytes:
    return (
        f"<!doctype html><html {attributes}><head>{head}</head><body>"
        f"<nav><ul><li><a href='/'>Home</a></li><li><a href='/tags'>Tags</a></li></ul></nav>"
        f"<article><h1>On logs</h1><p>{PROSE}</p>{content}<p>The end of it isn't far.</p></article>"
        f"<footer>All rights reserved</footer></body></html>"
    ).encode()


def extracted(content: str = "", url: str = URL, **parts: str) -> ExtractedPage:
    found = extract_page(page(content, **parts), url)
    assert isinstance(found, ExtractedPage), found
    return found


class TestCode:
    @pytest.mark.parametrize(
        "block",
        [
            '<pre><code class="language-python">{code}</code></pre>',
            '<pre class="language-python"><code>{code}</code></pre>',
            '<div class="language-python highlighter-rouge"><div class="highlight"><pre class="highlight">'
            "<code>{code}</code></pre></div></div>",
            '<div class="highlight highlight-source-python"><button>Copy</button><pre>{code}</pre></div>',
            '<pre data-lang="python">{code}</pre>',
            '<pre class="brush:python">{code}</pre>',
            '<table class="rouge-table"><tr><td class="gutter"><pre>1\n2\n3\n4\n5</pre></td><td class="code">'
            '<pre><code class="language-python">{code}</code></pre></td></tr></table>',
        ],
    )
    def test_fence_language_indentation_and_blank_lines_are_kept(self, block: str) -> None:
        code = (
            "def read(log):\n    for entry in log:\n\n        if entry < 3:  # `few`\n            yield entry"
        )
        html = block.replace("{code}", code.replace("<", "&lt;"))
        text = extracted(f"<p>Before the code.</p>{html}<p>After the code.</p>").text
        assert f"Before the code.\n\n```python\n{code}\n```\n\nAfter the code." in text

    def test_highlighted_spans_lines_and_line_numbers(self) -> None:
        html = (
            '<pre><code class="lang-rust">'
            '<div class="line"><span class="lineno">1</span><span>fn</span> main() {</div>'
            '<div class="line"><span class="lineno">2</span>}</div></code></pre>'
        )
        assert "```rust\nfn main() {\n}\n```" in extracted(html).text

    def test_code_that_holds_a_fence_gets_a_longer_one(self) -> None:
        text = extracted("<pre><code>```python\nx\n```</code></pre>").text
        assert "````\n```python\nx\n```\n````" in text

    def test_a_block_without_language_and_two_equal_blocks(self) -> None:
        text = extracted("<pre>$ make up</pre><p>and again</p><pre>$ make up</pre>").text
        assert text.count("```\n$ make up\n```") == 2

    def test_code_inside_a_line_stays_there(self) -> None:
        assert "call `poll()` now" in extracted("<p>Please call <code>poll()</code> now.</p>").text

    def test_a_page_of_only_code(self) -> None:
        code = "\n".join(f"line_{number} = {number}" for number in range(40))
        block = f"<pre><code class='language-python'>{code}</code></pre>"
        found = extract_page(f"<html><body><article>{block}</article></body></html>".encode(), URL)
        assert isinstance(found, ExtractedPage)
        assert found.text == f"```python\n{code}\n```"


class TestText:
    def test_headings_lists_quotes_tables_and_links(self) -> None:
        text = extracted(
            "<h2>Parts</h2><ul><li>First</li><li>Second<ul><li>inner</li></ul></li></ul><ol><li>One</li></ol>"
            "<blockquote><p>To be quoted, now and then.</p><p>Twice.</p></blockquote>"
            "<table><tr><th>Name</th><th>Value</th></tr><tr><td>a</td><td>1</td></tr></table>"
            "<p>See <a href='/posts/other'>the other one</a> and <em>stress</em> it.</p>"
        ).text
        assert "## Parts\n\n- First\n- Second\n  - inner\n\n1. One\n\n" in text
        assert "> To be quoted, now and then.\n>\n> Twice." in text
        assert "| Name | Value |\n|---|---|\n| a | 1 |" in text
        assert "[the other one](https://blog.example.org/posts/other) and *stress* it." in text

    def test_navigation_footer_and_the_repeated_title_are_left_out(self) -> None:
        text = extracted().text
        assert text.startswith("Sentence 0")
        assert text.endswith("isn't far.")
        assert "Home" not in text
        assert "rights" not in text

    @given(st.binary(max_size=400))
    def test_any_bytes_give_a_page_or_a_reason(self, body: bytes) -> None:
        assert isinstance(extract_page(body, URL), ExtractedPage | Failure)

    def test_the_same_bytes_give_the_same_text(self) -> None:
        body = page("<pre><code>x = 1</code></pre><blockquote>Q</blockquote>")
        assert extract_page(body, URL) == extract_page(body, URL)


class TestMetadata:
    def test_json_ld(self) -> None:
        head = (
            '<title>On logs | Blog</title><meta property="og:title" content="On logs">'
            '<script type="application/ld+json">{"@graph": [{"@type": "WebSite", "name": "Blog"}, {"@type": '
            '"BlogPosting", "author": [{"name": "Ada Stone"}, {"name": "Bo Reed"}], '
            '"datePublished": "2024-03-05T10:00:00+02:00"}]}</script>'
        )
        found = extracted(head=head)
        assert (found.title, found.author) == ("On logs", "Ada Stone, Bo Reed")
        assert found.published_at == datetime(2024, 3, 5, 8, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("head", "content"),
        [
            ('<meta property="article:published_time" content="2024-03-05T10:00:00+02:00">', ""),
            ('<meta name="date" content="2024-03-05T08:00:00Z">', ""),
            ('<meta name="date" content="Tue, 05 Mar 2024 09:00:00 +0100">', ""),
            ("", '<time itemprop="datePublished" datetime="2024-03-05T08:00:00">5 March</time>'),
            ("", '<time datetime="2024-03-05T08:00Z">5 March</time>'),
        ],
    )
    def test_dates_are_aware_and_in_utc(self, head: str, content: str) -> None:
        found = extracted(content, head=f"<title>On logs</title>{head}").published_at
        assert found == datetime(2024, 3, 5, 8, tzinfo=UTC)

    @pytest.mark.parametrize(
        "content",
        [
            "<p class='date'>Posted on March 5, 2024</p>",
            "<span class='published'>2024-03-05</span>",
            "<div><time>5 March 2024</time></div>",
        ],
    )
    def test_a_date_that_only_readers_see(self, content: str) -> None:
        assert extracted(content).published_at == datetime(2024, 3, 5, tzinfo=UTC)

    def test_a_date_in_a_sentence_is_no_date_of_publication(self) -> None:
        assert extracted("<p>It was on May 4, 2018 that the log filled up.</p>").published_at is None

    @pytest.mark.parametrize(
        ("attributes", "head", "language"),
        [
            ("lang='en-GB'", "", "en"),
            ("", '<meta property="og:locale" content="de_DE">', "de"),
            ("", '<meta http-equiv="content-language" content="fr">', "fr"),
            ("lang=''", "", None),
        ],
    )
    def test_declared_language(self, attributes: str, head: str, language: str | None) -> None:
        tree = document_fromstring(page("", head=f"<title>x</title>{head}", attributes=attributes))
        assert PageMetadata(tree, URL).language == language

    @pytest.mark.parametrize("attributes", ["", "lang='en'", "lang='de'"])
    def test_the_text_has_the_last_word_on_its_language(self, attributes: str) -> None:
        assert extracted(attributes=attributes).language == "en"

    @pytest.mark.parametrize(
        ("href", "expected"),
        [
            ("https://blog.example.org/p/logs/", "https://blog.example.org/p/logs"),
            ("/p/logs?utm_source=feed", "https://blog.example.org/p/logs"),
            ("https://ada.example.net/original", "https://ada.example.net/original"),
            ("https://blog.example.org/", URL),
            ("/", URL),
            ("http://localhost:4000/posts/logs", URL),
            ("http://10.0.0.7/posts/logs", URL),
            ("javascript:void(0)", URL),
            ("http://[broken", URL),
            ("", URL),
        ],
    )
    def test_canonical_link_unless_it_is_plainly_wrong(self, href: str, expected: str) -> None:
        found = extracted(
            head=f"<title>x</title><link rel='canonical' href='{href}'>", url=f"{URL}?utm_source=x"
        )
        assert found.canonical_url == expected

    def test_broken_json_ld_is_passed_over(self) -> None:
        head = "<title>x</title><script type='application/ld+json'>{broken</script>"
        assert extracted(head=head).published_at is None


class TestNoDocument:
    def test_reasons(self) -> None:
        form = b"<html><body><p>Sign in to read on.</p><form><input type=password></form></body></html>"
        cases = {b"": "not_html", b"<html><body></body></html>": "no_text", form: "login_required"}
        found = {body: extract_page(body, URL) for body in cases}
        assert {body: page.reason for body, page in found.items() if isinstance(page, Failure)} == cases

    def test_an_article_with_a_sign_in_box_is_an_article(self) -> None:
        assert extracted("<form><input type='password'></form>").text


class TestExtractFile:
    def test_a_line_of_json_for_a_page_and_for_none(self) -> None:
        found = extract_file(page("<p>More.</p>"), URL)
        assert list(found) == [
            "source",
            "title",
            "author",
            "published_at",
            "language",
            "canonical_url",
            "text",
        ]
        assert (found["title"], found["language"], found["canonical_url"]) == ("On logs", "en", URL)
        nothing = extract_file(b"<html><body></body></html>", URL)
        assert (nothing["text"], nothing["title"]) == ("", None)
        assert str(nothing["error"]).startswith("no_text")


class TestCharacterSets:
    @pytest.mark.parametrize(
        ("encoding", "head", "header"),
        [
            ("utf-8", "<meta charset='iso-8859-1'>", ""),
            ("utf-8", "<meta charset='gb2312'>", "text/html; charset=gb2312"),
            ("utf-8-sig", "", ""),
            ("cp1252", "<meta charset='windows-1252'>", ""),
            ("cp1251", "", "text/html; charset=windows-1251"),
            ("utf-16", "", ""),
        ],
    )
    def test_the_bytes_decide_over_a_wrong_declaration(self, encoding: str, head: str, header: str) -> None:
        word = "журналы" if encoding == "cp1251" else "gären"
        body = page(f"<p>Here stands {word} for once.</p>", head=f"<title>x</title>{head}")
        found = extract_page(body.decode().encode(encoding), URL, header)
        assert isinstance(found, ExtractedPage)
        assert f"Here stands {word} for once." in found.text


class TestOddPages:
    def test_text_behind_a_comment_inside_a_line_is_kept(self) -> None:
        """As Svelte and React write hydration marks."""
        assert (
            "never *quite* gone from"
            in extracted("<p>It is never <em>quite</em> <!-- -->gone from the log.</p>").text
        )

    def test_text_that_a_script_would_load_is_taken_from_json_ld(self) -> None:
        head = (
            '<title>On logs</title><script type="application/ld+json">'
            f'{{"@type": "NewsArticle", "headline": "On logs", "articleBody": "{PROSE}"}}</script>'
        )
        body = f"<html><head>{head}</head><body><div id='root'><p>Loading the page</p></div></body></html>"
        found = extract_page(body.encode(), URL)
        assert isinstance(found, ExtractedPage)
        assert found.text == PROSE

    @pytest.mark.parametrize(
        "carried",
        [
            "<noscript><h2>Why</h2><p>{0}</p><pre>x = 1</pre></noscript>",
            "<template><h2>Why</h2><p>{0}</p><pre>x = 1</pre></template>",
            "<script id='__NEXT_DATA__' type='application/json'>"
            '{{"post": {{"title": "On logs", "html": "<h2>Why</h2><p>{0}</p><pre>x = 1</pre>"}}}}</script>',
        ],
    )
    def test_text_that_a_page_carries_unseen_is_taken_where_it_shows_little(self, carried: str) -> None:
        long = f"{PROSE} {PROSE}"
        shown = "<div id='root'><p>The page is loading, please wait for a moment.</p></div>"
        head = "<head><title>On logs</title></head>"
        body = f"<html>{head}<body>{shown}{carried.format(long)}</body></html>"
        found = extract_page(body.encode(), URL)
        assert isinstance(found, ExtractedPage), found
        assert found.text == f"## Why\n\n{long}\n\n```\nx = 1\n```"

    def test_text_that_a_page_carries_unseen_does_not_replace_what_it_shows(self) -> None:
        carried = f"<noscript><p>{PROSE.replace('logs', 'queues')} {PROSE}</p></noscript>"
        assert "queues" not in extracted(carried).text

    def test_an_amp_page_stands_for_the_full_one(self) -> None:
        """The structure is that of the AMP project's minimal document: `html amp` and a canonical link."""
        head = f"<title>On logs</title><link rel='canonical' href='{URL}'>"
        found = extracted("<amp-img src='/a.png'></amp-img>", head=head, attributes="amp", url=f"{URL}/amp")
        assert found.canonical_url == URL
        assert found.text.startswith("Sentence 0")

    @settings(max_examples=30, deadline=None)
    @given(
        st.lists(
            st.sampled_from([*(f"<{end}{tag}>" for tag in _TAGS for end in ("", "/")), "x"]), max_size=12
        )
    )
    def test_no_order_of_tags_lets_code_into_the_text(self, tags: list[str]) -> None:
        body = page(f"{''.join(tags)}<script>var leaked = 1;</script><style>.leaked {{}}</style>")
        found = extract_page(body, URL)
        assert isinstance(found, Failure) or "leaked" not in found.text


class TestSeveralReadings:
    """What trafilatura takes is compared with two other readings of the page."""

    @pytest.fixture
    def rules_take(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
        return lambda text: monkeypatch.setattr("trafilatura.extract", lambda *_, **__: text)

    def test_a_wrong_part_of_the_page_is_outvoted(self, rules_take: Callable[[str], None]) -> None:
        rules_take("A teaser wants to be read, and it has nothing to do with the article at all.")
        text = extracted("<h2>Why</h2><p>See <a href='/notes'>the notes</a>.</p>").text
        assert text.startswith("Sentence 0")
        assert "## Why\n\nSee [the notes](https://blog.example.org/notes)." in text
        assert "All rights reserved" not in text

    def test_details_are_left_to_the_rules(self, rules_take: Callable[[str], None]) -> None:
        rules_take(f"{PROSE}\n\nThe end.")
        assert extracted().text == f"{PROSE}\n\nThe end."

    def test_code_keeps_its_language_in_every_reading(self, rules_take: Callable[[str], None]) -> None:
        rules_take("A teaser wants to be read.")
        code = extracted("<pre data-lang='python'>if a:\n    b</pre>").text
        assert "```python\nif a:\n    b\n```" in code

    def test_a_page_of_labels_only_gives_none(self, rules_take: Callable[[str], None]) -> None:
        rules_take("")
        assert extract_page(b"<html><body><ul><li>Home</li><li>Tags</li></ul></body></html>", URL) == Failure(
            "no_text", "no main text was found in the page"
        )


class TestTitleAndAuthor:
    @pytest.mark.parametrize(
        ("head", "content", "title"),
        [
            (
                "<meta property='og:title' content='On tides | A'><meta property='og:site_name' content='A'>",
                "",
                "On tides",
            ),
            ("<title>On logs - A Blog</title>", "", "On logs"),
            ("<title>x</title><meta property='og:title' content='On tides - now'>", "", "On tides - now"),
            ("<title>On tides: a story</title>", "<h1>second</h1>", "On tides: a story"),
            (
                '<title>x</title><script type=\'application/ld+json\'>{"headline": "A &amp; B"}</script>',
                "",
                "A & B",
            ),
        ],
    )
    def test_the_title_by_precedence_and_without_the_site(self, head: str, content: str, title: str) -> None:
        assert extracted(content, head=head).title == title

    @pytest.mark.parametrize(
        ("head", "content", "author"),
        [
            ("<meta name='author' content='Ada Stone'>", "<p class='byline'>By Bo Reed</p>", "Ada Stone"),
            ("<meta property='article:author' content='https://x.example/ada'>", "", None),
            ("", "<span itemprop='author'><b itemprop='name'>Ada Stone</b></span>", "Ada Stone"),
            ("", "<a rel='author' href='/ada'>Ada Stone</a>", "Ada Stone"),
            ("", "<p class='byline'>By Ada Stone</p>", "Ada Stone"),
            ("", "", None),
        ],
    )
    def test_the_author_by_precedence(self, head: str, content: str, author: str | None) -> None:
        assert extracted(content, head=f"<title>On logs</title>{head}").author == author


@pytest.mark.parametrize("control", ["\x00", "\x0b", "\x1f", "&#11;", "&#x1F;", "&#0;", "\ufffe"])
def test_control_characters_are_no_part_of_a_page(control: str) -> None:
    prose = "The paragraph says what the logs are for, and why anybody reads them at all. " * 6
    html = (
        f"<html><head><title>On{control}logs</title></head><body><article><p>{prose}</p>"
        f"<p>See <a href='/a'>the{control}log</a> here, at &#150; and &#x1F600;.</p><p>{prose}</p></article>"
    )
    page = extract_page(html.encode(), "https://blog.example/logs")
    assert isinstance(page, ExtractedPage)
    assert page.title == "On logs"
    assert "[the log](https://blog.example/a)" in page.text
    assert "😀" in page.text
