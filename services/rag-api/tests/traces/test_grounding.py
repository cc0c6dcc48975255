"""Which sentences stand in their sources."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_common.embedding import load_sparse_embedder
from twin_rag_api.traces.grounding import Grounding, ground, statements

SOURCES = {
    1: "The harbour closes when ice is reported. The keeper rings the bell 3 times.",
    2: "Lamps at the harbour glow from dusk until the tides have turned.",
}
_SPARSE = load_sparse_embedder()


def terms(texts: list[str]) -> list[frozenset[int]]:
    return [frozenset(vector.indices) for vector in _SPARSE.embed_documents(texts)]


def grounding(answer: str) -> Grounding:
    return ground(answer, SOURCES, terms)  # type: ignore[arg-type]


class TestSupport:
    @pytest.mark.parametrize(
        ("answer", "expected"),
        [
            ("The harbour closes when ice is reported [1].", Grounding(1, 1, 1)),
            ("When ice is reported, the harbour is closing. [1]", Grounding(1, 1, 1)),
            ("The harbour closes when ice is reported.", Grounding(1, 1, 0)),
            ("The harbour closes when ice is reported [2].", Grounding(1, 0, 1)),
            ("The harbour closes when ice is reported [7].", Grounding(1, 1, 0)),
            ("Whales sing beneath the northern glacier [1].", Grounding(1, 0, 1)),
            ("The keeper rings the bell 4 times [1].", Grounding(1, 0, 1)),
            ("Yes [1].", Grounding(0, 0, 0)),
            ("", Grounding(0, 0, 0)),
        ],
    )
    def test_a_sentence_is_looked_up_in_what_it_cites(self, answer: str, expected: Grounding) -> None:
        assert grounding(answer) == expected

    def test_quotes_with_their_introduction(self) -> None:
        answer = (
            "These passages come closest:\n"
            "\n> The harbour closes when ice is reported. [1]\n"
            "\n> Lamps at the harbour glow from dusk until the tides have turned. [2]\n"
        )
        assert grounding(answer) == Grounding(2, 2, 2)

    @given(st.text(max_size=300))
    def test_the_counts_agree_whatever_was_written(self, answer: str) -> None:
        found = grounding(answer)
        assert found.sentences <= len(statements(answer))
        assert max(found.supported, found.cited) <= found.sentences
