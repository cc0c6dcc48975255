"""What a reader sees of Markdown, and that no mark or address is among it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_crawler.plain_text import plain_text


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("## Parts", "Parts"),
        ("See [the other](https://example.org/a_(b)?x=1) one", "See the other one"),
        ("[spaced](<https://example.org/a b>)", "spaced"),
        ('[a *b* [c]](/d "Title")', "a b [c]"),
        ("before ![a picture](/p.png) after", "before  after"),
        ("**bold**, *italic*, ~~gone~~, `code`", "bold, italic, gone, code"),
        ("9<sup>th</sup> century, pg\\_duckdb\\*", "9th century, pg_duckdb*"),
        ("- First\n- Second\n  - inner", "First\nSecond\ninner"),
        ("1. One\n2. Two", "One\nTwo"),
        ("2024. That was the year.", "2024. That was the year."),
        ("> quoted\n>\n> twice", "quoted\n\ntwice"),
        ("| a | b |\n|---|---|\n| 1 | [2](/x) |", "a b\n1 2"),
        ("2 * 3 * 4 and snake_case_name", "2 * 3 * 4 and snake_case_name"),
        ("````md\n```\n# kept\n```\n````", "```\n# kept\n```"),
        ("```python\nx = [1](2)\n\n# **kept**\n```\nafter", "x = [1](2)\n\n# **kept**\nafter"),
    ],
)
def test_marks_go_and_words_stay(markdown: str, expected: str) -> None:
    assert plain_text(markdown) == expected


@given(st.lists(st.from_regex(r"[a-z]{1,8}( [a-z]{1,8}){0,5}\.", fullmatch=True), max_size=6))
def test_prose_stays_as_it_is(paragraphs: list[str]) -> None:
    text = "\n\n".join(paragraphs)
    assert plain_text(text) == text


@given(st.text(alphabet="ab1 [](){}<>*_`~#>|-\\.!\n", max_size=80))
def test_any_text_gives_a_text(markdown: str) -> None:
    assert isinstance(plain_text(markdown), str)
