"""What stands around an article's text and goes, and what resembles it and stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_crawler.boilerplate import split_blocks, trim_boilerplate

FIRST = "The first paragraph says what the logs are for, and why anybody reads them at all."
SECOND = "The second paragraph goes on about readers, offsets and segments, and it is longer than the first."
BODY = f"{FIRST}\n\n{SECOND}\n\n{SECOND}\n\n{SECOND}"


def trimmed(*blocks: str, title: str = "On logs and their readers", author: str | None = "Ada Stone") -> str:
    return trim_boilerplate("\n\n".join(blocks), [title, f"{title} | A Blog"], author)


@pytest.mark.parametrize(
    "opening",
    [
        ("# On logs and their readers",),
        ("Home", "- Blog\n- Logs", "# On logs and their readers", "By Ada Stone"),
        ("Engineering: On logs and their readers", "Ada Stone", "5 March 2024", "7 min read"),
        ("# On logs and their readers", "Published on March 5, 2024"),
    ],
)
def test_title_and_byline_go(opening: tuple[str, ...]) -> None:
    assert trimmed(*opening, BODY) == BODY


@pytest.mark.parametrize(
    "block",
    [
        "Read more: [Why segments roll over](/segments)",
        "[Seven things about segments](/seven)",
        "Sign up for our newsletter and get it into your inbox every week.",
        "Advertisement",
        "Lesen Sie auch: [Mehr über Segmente](/mehr)",
    ],
)
def test_teasers_and_pleas_between_paragraphs_go(block: str) -> None:
    assert trimmed(FIRST, block, SECOND) == f"{FIRST}\n\n{SECOND}"


@pytest.mark.parametrize(
    "block",
    [
        "See [the paper](/paper) for why this holds.",
        "- [One paper](/1)\n- [Another paper](/2)",
        "| [A](/a) | [B](/b) |\n|---|---|\n| 1 | 2 |",
        "```sh\n# subscribe to the topic\nkcat -C -t newsletter\n```",
        "## Read more slowly",
        f"A long paragraph may speak of a privacy policy. {SECOND} {SECOND} {SECOND}",
        "By then we had lost the segment.",
    ],
)
def test_the_article_s_own_blocks_stay(block: str) -> None:
    assert trimmed(FIRST, block, SECOND) == f"{FIRST}\n\n{block}\n\n{SECOND}"


def test_a_heading_about_comments_early_in_the_text_cuts_nothing() -> None:
    assert trimmed(FIRST, "## Comments in code", BODY) == f"{FIRST}\n\n## Comments in code\n\n{BODY}"


def test_a_fence_with_blank_lines_is_one_block() -> None:
    fence = "````md\n\n```\n\nx\n```\n\n````"
    assert [block.markdown for block in split_blocks(f"a\n\n{fence}\n\nb")] == ["a", fence, "b"]


@given(st.text(alphabet="abc 1.[]()*`#>|-\n", max_size=120))
def test_trimming_adds_nothing(text: str) -> None:
    kept = trim_boilerplate(text, ["abc"], None)
    assert set(kept.split()) <= set(text.split())
