"""An answer ends before its stop sequence, whatever the pieces it comes in."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from twin_rag_api.generation.stop_sequences import StopSequences

TEXTS = st.text(alphabet="abE\n", max_size=40)
STOPS = st.lists(st.text(alphabet="abE\n", min_size=1, max_size=4), max_size=3)


def passed(pieces: list[str], stop: list[str]) -> str:
    sequences = StopSequences(stop)
    text = ""
    for piece in pieces:
        certain, stopped = sequences.feed(piece)
        text += certain
        if stopped:
            return text
    return text + sequences.finish()


@given(TEXTS, STOPS, st.lists(st.integers(0, 40), max_size=8))
def test_it_ends_where_the_first_sequence_begins(text: str, stop: list[str], cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[start:end] for start, end in pairwise(edges)]
    whole = passed(pieces, stop)
    assert text.startswith(whole)
    assert not any(sequence in whole for sequence in stop)
    if not any(sequence in text for sequence in stop):
        assert whole == text
