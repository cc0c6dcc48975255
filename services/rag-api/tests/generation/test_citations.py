"""Which citations pass, whatever the pieces they come in."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_rag_api.generation.citations import CitationFilter

ALPHABET = st.text(alphabet="ab `[]0123, .\n", max_size=60)
NUMBERS = st.sets(st.integers(1, 12), max_size=6)


def passed(pieces: list[str], numbers: set[int]) -> tuple[str, list[int]]:
    citations = CitationFilter(numbers)
    texts = [citations.feed(piece) for piece in pieces]
    texts.append(citations.finish())
    return "".join(text.text for text in texts), [number for text in texts for number in text.cited]


class TestFilter:
    @pytest.mark.parametrize(
        ("answer", "expected", "cited"),
        [
            ("Tides turn [1].", "Tides turn [1].", [1]),
            ("Tides turn [9].", "Tides turn.", []),
            ("Tides turn [1, 9, 2].", "Tides turn [1, 2].", [1, 2]),
            ("Tides turn [1,1].", "Tides turn [1].", [1]),
            ("Tides turn [7][2].", "Tides turn[2].", [2]),
            ("Zero [0] is no source.", "Zero is no source.", []),
            ("A list [a] stays.", "A list [a] stays.", []),
            ("Code `rows[9]` stays.", "Code `rows[9]` stays.", []),
            ("```\nrows[9]\n``` but [9] goes.", "```\nrows[9]\n``` but goes.", []),
            ("Open [1", "Open [1", []),
        ],
    )
    def test_examples(self, answer: str, expected: str, cited: list[int]) -> None:
        assert passed([answer], {1, 2, 3}) == (expected, cited)

    @given(ALPHABET, NUMBERS, st.lists(st.integers(0, 60), max_size=8))
    def test_the_pieces_make_no_difference(self, answer: str, numbers: set[int], cuts: list[int]) -> None:
        edges = [0, *sorted(min(cut, len(answer)) for cut in cuts), len(answer)]
        pieces = [answer[start:end] for start, end in pairwise(edges)]
        assert passed(pieces, numbers)[0] == passed([answer], numbers)[0]
        assert set(passed(pieces, numbers)[1]) == set(passed([answer], numbers)[1])

    @given(ALPHABET.filter(lambda text: "`" not in text), NUMBERS)
    def test_what_is_cited_is_a_source_and_stands_in_the_text(self, answer: str, numbers: set[int]) -> None:
        text, cited = passed([answer], numbers)
        assert set(cited) <= numbers
        written = {int(n) for group in re.findall(r"\[([\d, ]+)\]", text) for n in re.findall(r"\d+", group)}
        assert set(cited) <= written

    @given(ALPHABET)
    def test_without_brackets_nothing_changes(self, answer: str) -> None:
        answer = answer.replace("[", "(")
        assert passed([answer], {1}) == (answer, [])
