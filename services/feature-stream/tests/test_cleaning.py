import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_common.documents import Category
from twin_feature_stream.cleaning import clean, clean_line

ARTICLE = Category.ARTICLE


class TestWhatStays:
    @pytest.mark.parametrize(
        "text",
        [
            "It's the author’s own voice, isn't it?",
            "See https://example.com/a_b?x=1&y=2#part for `a  b` and more.",
            "One paragraph.\n\nAnother paragraph.",
            "- item\n    - nested item",
            "```python\nif x:\n\n\n    y  =  1\n```",
            "नमस्ते क्\u200dष and 👩\u200d💻 keep their joiners",
            "日本語のテキスト。",
            "\\# no heading",
            "`a\\_b` and C:\\\\_temp keep their backslashes",
        ],
    )
    def test_nothing_is_changed(self, text: str) -> None:
        assert clean(text, ARTICLE) == text

    def test_code_documents_keep_spaces_and_blank_lines(self) -> None:
        text = "def f():\n    return  1\n\n\n\nx   = 2"
        assert clean(text, Category.CODE) == text

    @given(st.text(alphabet="abcXYZ'’é.,!?日 \n", max_size=300))
    def test_no_word_is_lost(self, text: str) -> None:
        assert clean(text, ARTICLE).split() == text.split()


class TestWhatGoes:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("FASTEST\\_FIRST is in \\[1\\]", "FASTEST_FIRST is in [1]"),
            ("𝗛𝘆𝗯𝗿𝗶𝗱 search", "Hybrid search"),
            ("zero\u200bwidth \ufeffmark", "zerowidth mark"),
            ("bell\x07 and nul\x00", "bell and nul"),
            ("hidden\U000e0041\U000e0042 tags", "hidden tags"),
            ("turned\u202e around", "turned around"),
            ("many    spaces\tand tabs", "many spaces and tabs"),
            ("no\xa0break", "no break"),
            ("one\n\n\n\n\ntwo", "one\n\ntwo"),
            ("windows\r\nlines\rhere", "windows\nlines\nhere"),
            ("stray\u200djoiner", "strayjoiner"),
            ("![plot](data:image/png;base64,AAAA) shown", "![plot]() shown"),
            ("half \ud800 a pair", "half a pair"),
            (" \u200b \n\x00\n", ""),
        ],
    )
    def test_the_invisible(self, text: str, expected: str) -> None:
        assert clean(text, ARTICLE) == expected

    def test_a_title_becomes_one_line(self) -> None:
        assert clean_line("  A\n title\u200b\twith   gaps ") == "A title with gaps"


class TestIdempotence:
    @given(st.text(max_size=300), st.sampled_from(list(Category)))
    def test_cleaning_a_clean_text_changes_nothing(self, text: str, category: Category) -> None:
        once = clean(text, category)
        assert clean(once, category) == once

    @given(
        st.lists(
            st.sampled_from(["```", "~~~", "`a  b`", "x  y", "", "# h", "\t- i", "a\\_b \\[1\\] \\\\_"]),
            max_size=12,
        )
    )
    def test_also_with_fences(self, lines: list[str]) -> None:
        once = clean("\n".join(lines), ARTICLE)
        assert clean(once, ARTICLE) == once
