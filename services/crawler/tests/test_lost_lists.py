"""Lists that one reading has and another lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_crawler.lost_lists import put_back_lists

LIST = "- Readers keep their place\n- Writers append"
TABLE = "| Name | Value |\n| --- | --- |\n| a | 1 |"


class TestPutBackLists:
    @pytest.mark.parametrize("lost", [LIST, TABLE, f"{LIST}\n\n{TABLE}"])
    def test_between_the_same_two_blocks(self, lost: str) -> None:
        assert put_back_lists("One.\n\nTwo.\n\nThree.", f"One.\n\n{lost}\n\n**Two.**\n\nThree.") == (
            f"One.\n\n{lost}\n\nTwo.\n\nThree."
        )

    @pytest.mark.parametrize(
        "other",
        [
            "One.\n\nA plea to subscribe.\n\nTwo.",
            "One.\n\n- [On queues](https://a.example/q)\n- [On tides](https://a.example/t)\n\nTwo.",
            f"{LIST}\n\nOne.\n\nTwo.",
            f"One.\n\nTwo.\n\n{LIST}",
            f"Two.\n\n{LIST}\n\nOne.",
            "",
        ],
    )
    def test_nothing_else(self, other: str) -> None:
        assert put_back_lists("One.\n\nTwo.", other) == "One.\n\nTwo."

    def test_a_list_that_is_there_in_another_form_is_not_put_in_twice(self) -> None:
        text = "One.\n\nReaders keep their place Writers append\n\nTwo."
        assert put_back_lists(text, f"One.\n\n{LIST}\n\nTwo.") == text

    @given(st.lists(st.sampled_from(["One.", "Two.", "# Why", LIST, TABLE, "```\nx\n```"]), max_size=8))
    def test_a_reading_has_nothing_to_give_itself(self, blocks: list[str]) -> None:
        text = "\n\n".join(blocks)
        assert put_back_lists(text, text) == text
