"""Questions that lean on the one before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_rag_api.retrieval.follow_up import search_text

FIRST = "How does the author reduce the memory that training takes?"


class TestSearchText:
    @pytest.mark.parametrize(
        "question",
        [
            "Why?",
            "And on a laptop?",
            "How long does it take?",
            "What about inference?",
            "Is there another way?",
        ],
    )
    def test_a_question_that_leans_is_read_with_the_one_before(self, question: str) -> None:
        assert search_text(question, [FIRST]) == f"{FIRST}\n{question}"

    @pytest.mark.parametrize(
        "question",
        ["Which vector database is used for the social media posts?", "How are prompts monitored?"],
    )
    def test_a_new_question_stands_alone(self, question: str) -> None:
        assert search_text(question, [FIRST]) == question

    def test_it_goes_back_as_far_as_it_must(self) -> None:
        earlier = ["Who wrote the agent library?", FIRST, "And how much is saved by it?"]
        assert search_text("Really?", earlier) == f"{FIRST}\nAnd how much is saved by it?\nReally?"

    def test_the_first_question_has_nothing_before_it(self) -> None:
        assert search_text("Why?", []) == "Why?"

    @given(st.text(max_size=3000), st.lists(st.text(max_size=3000), max_size=20))
    def test_the_question_is_always_its_end_and_it_stays_short(
        self, question: str, earlier: list[str]
    ) -> None:
        text = search_text(question, earlier)
        assert text.endswith(question)
        assert len(text) <= max(len(question), 2000)
