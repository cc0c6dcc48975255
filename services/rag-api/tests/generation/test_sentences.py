"""What can be quoted of a passage."""

from hypothesis import given
from hypothesis import strategies as st

from twin_rag_api.generation.sentences import split_sentences

MARKDOWN = st.text(alphabet="aB. !?\n#>-*`|1)[]é", max_size=300)


class TestSplit:
    def test_sentences_items_and_code_apart_and_headings_left_out(self) -> None:
        text = (
            "# A heading of some length\n\nThe first sentence is here. The second one follows it!\n\n"
            "- an item that says something\n- another item that says more\n\n"
            "```python\nfor tide in harbour:\n    turn(tide)\n```\n\n> a quote within the passage itself"
        )
        assert split_sentences(text) == [
            "The first sentence is here.",
            "The second one follows it!",
            "an item that says something",
            "another item that says more",
            "for tide in harbour:\n    turn(tide)",
            "a quote within the passage itself",
        ]

    def test_numbers_and_abbreviations_do_not_end_a_sentence(self) -> None:
        text = "The tide rose by 3.5 metres in approx. two hours on that day."
        assert split_sentences(text) == [text]

    def test_what_would_read_as_our_citation_is_left_out(self) -> None:
        assert split_sentences("As was shown before [3] the tide turns.") == []

    @given(MARKDOWN)
    def test_each_is_a_verbatim_part_of_the_passage(self, text: str) -> None:
        for sentence in split_sentences(text):
            assert sentence in text

    def test_one_without_any_end_is_shortened_at_a_word(self) -> None:
        (only,) = split_sentences("word " * 1000)
        assert len(only) <= 600
        assert only.endswith("word")
