"""What a page names as furniture goes, unless the name carries much of its text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.html import document_fromstring, tostring

from twin_crawler.page_furniture import remove_furniture

PROSE = "The paragraph says what the logs are for, and why anybody reads them at all. " * 4
ARTICLE = f"<article><h1>On logs</h1>{f'<p>{PROSE}</p>' * 5}</article>"


def left_of(html: str) -> str:
    tree = document_fromstring(f"<html><body>{html}</body></html>")
    remove_furniture(tree)
    return str(tostring(tree, encoding="unicode"))


@pytest.mark.parametrize(
    "furniture",
    [
        '<div class="related-posts"><p>FURNITURE</p></div>',
        '<section class="ArticleNewsletter"><p>FURNITURE</p></section>',
        '<ul id="social-share"><li>FURNITURE</li></ul>',
        '<p class="post byline">FURNITURE</p>',
        '<span class="photo-credit">FURNITURE</span>',
        '<div role="complementary">FURNITURE</div>',
        "<nav><a href='/a'>FURNITURE</a></nav>",
        "<form><label>FURNITURE</label></form>",
    ],
)
def test_named_furniture_goes(furniture: str) -> None:
    left = left_of(ARTICLE + furniture)
    assert "FURNITURE" not in left
    assert left.count(PROSE) == 5


@pytest.mark.parametrize(
    "html",
    [
        # The article itself carries the name, as a whole or paragraph by paragraph.
        f'<div class="share-page">{ARTICLE}</div>',
        f'<p class="promo">{PROSE}</p>' * 5,
        # The name is a part of another word.
        f'{ARTICLE}<div class="commentary-shareholders">{PROSE}</div>',
        # Colours of code have such names.
        f'{ARTICLE}<pre><code><span class="token comment"># kept</span></code></pre>',
    ],
)
def test_the_article_s_own_text_stays(html: str) -> None:
    assert left_of(html) == left_of_nothing(html)


def left_of_nothing(html: str) -> str:
    return str(tostring(document_fromstring(f"<html><body>{html}</body></html>"), encoding="unicode"))


@given(st.lists(st.sampled_from(["related", "share", "body", "promo", "nav", "x"]), max_size=12))
def test_at_most_a_share_of_each_name_goes(names: list[str]) -> None:
    blocks = "".join(f'<div class="{name}"><p>{PROSE}</p></div>' for name in names)
    left = left_of(f"{ARTICLE}{blocks}").count(PROSE)
    total = len(names) + 5
    gone = total - left
    assert gone <= 4 * 0.15 * total
    assert left >= 5 + names.count("body") + names.count("x")


@pytest.mark.parametrize("tag", ["aside", "footer", "form", "header", "nav"])
def test_what_holds_most_of_the_page_stands_beside_nothing(tag: str) -> None:
    """As a form of ASP.NET around the page, or an `aside` that is closed at its end only."""
    tree = document_fromstring(
        f"<html><body><{tag} class='popup'><p>Join us.</p><div>{ARTICLE}</div></{tag}></body></html>"
    )
    remove_furniture(tree)
    assert tree.find(f".//{tag}") is None
    assert tree.text_content().count(PROSE) == 5


def test_a_footer_that_says_more_than_a_short_article_is_a_footer() -> None:
    left = left_of(f"<main><h1>On logs</h1><p>They grow.</p></main><footer><p>{PROSE}</p></footer>")
    assert "<footer>" in left
