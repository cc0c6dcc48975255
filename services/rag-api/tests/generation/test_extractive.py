"""Which sentences are quoted."""

import numpy as np

from twin_rag_api.generation.engines import Source
from twin_rag_api.generation.extractive import Quote, QuotePolicy, best_quotes, render_quote
from twin_rag_api.retrieval.passages import Passage

from ..conftest import chunk

SOURCES = [Source(n, Passage(chunk(f"text {n}"), 0.5, f"text {n}")) for n in range(1, 4)]


def quotes(*sentences: str) -> list[Quote]:
    return [Quote(SOURCES[n % 3], sentence) for n, sentence in enumerate(sentences)]


class TestChoice:
    def test_the_best_first_and_few(self) -> None:
        chosen = best_quotes(
            quotes("a", "b", "c", "d", "e"), np.array([0.5, 0.9, 0.8, 0.7, 0.85]), QuotePolicy()
        )
        assert [quote.sentence for quote in chosen] == ["b", "e", "c"]

    def test_none_far_behind_the_best(self) -> None:
        chosen = best_quotes(quotes("a", "b"), np.array([0.9, 0.5]), QuotePolicy())
        assert [quote.sentence for quote in chosen] == ["a"]

    def test_none_twice_even_in_other_spacing(self) -> None:
        chosen = best_quotes(quotes("a  b", "a b", "c"), np.array([0.9, 0.89, 0.88]), QuotePolicy())
        assert [quote.sentence for quote in chosen] == ["a  b", "c"]


class TestRendering:
    def test_every_line_is_quoted_and_the_last_carries_the_number(self) -> None:
        assert render_quote(Quote(SOURCES[1], "one\ntwo")) == "\n> one\n> two [2]\n"
