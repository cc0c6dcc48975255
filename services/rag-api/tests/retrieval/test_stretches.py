"""Which stretches of the documents are returned."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_common.documents import Chunk
from twin_rag_api.retrieval.passages import Passage
from twin_rag_api.retrieval.stretches import Stretch, StretchPolicy, best_stretches

from ..conftest import chunk

WORDS = 10
"""In a chunk, and as many tokens; chunks follow on each other without overlap."""
POLICY = StretchPolicy(tokens=3 * WORDS)


def chunks(count: int, path: str = "/a") -> list[Chunk]:
    text = "word " * WORDS
    return [
        chunk(text, path=path, chunk_index=index, start=index * len(text), token_count=WORDS)
        for index in range(count)
    ]


def found(*scored: tuple[Chunk, float]) -> list[Passage]:
    return [Passage(of, score, of.text) for of, score in sorted(scored, key=lambda pair: -pair[1])]


def spans(stretches: list[Stretch]) -> list[tuple[int, int]]:
    return [(stretch.first, stretch.last) for stretch in stretches]


class TestWitnesses:
    def test_several_good_chunks_together_beat_a_slightly_better_one_alone(self) -> None:
        near, far = chunks(3), chunks(1, "/b")
        passages = found((far[0], 0.51), (near[0], 0.5), (near[1], 0.5), (near[2], 0.5))
        first, second = best_stretches(passages, POLICY, 5)
        assert (first.first, first.last, first.best.chunk.url) == (0, 2, near[0].url)
        assert second.best.chunk == far[0]

    def test_many_poor_ones_do_not_beat_a_good_one(self) -> None:
        near, far = chunks(3), chunks(1, "/b")
        passages = found((far[0], 0.8), *((one, 0.4) for one in near))
        assert best_stretches(passages, POLICY, 1)[0].best.chunk == far[0]

    def test_alone_a_chunk_has_its_own_score_and_company_adds_to_it(self) -> None:
        alone, company = chunks(1), chunks(2, "/b")
        [one] = best_stretches(found((alone[0], 0.5)), POLICY, 5)
        [both] = best_stretches(found((company[0], 0.5), (company[1], 0.5)), POLICY, 5)
        assert one.score == pytest.approx(0.5)
        assert 0.5 < both.score < 0.6

    def test_the_best_chunk_stands_for_the_stretch(self) -> None:
        near = chunks(3)
        [stretch] = best_stretches(found((near[0], 0.4), (near[1], 0.6), (near[2], 0.5)), POLICY, 5)
        assert stretch.best.chunk == near[1]


class TestChoice:
    @given(
        st.dictionaries(st.integers(0, 40), st.floats(0.1, 0.9), min_size=1),
        st.integers(1, 10),
    )
    def test_every_chunk_is_told_once_at_most_and_scores_fall(
        self, scores: dict[int, float], limit: int
    ) -> None:
        near = chunks(41)
        passages = found(*((near[index], score) for index, score in scores.items()))
        policy = replace(POLICY, most_of_a_document=99)
        chosen = best_stretches(passages, policy, limit)
        assert 1 <= len(chosen) <= limit
        for earlier, later in pairwise(chosen):
            assert earlier.score >= later.score - 1e-9
        assert all(stretch.last - stretch.first < 3 for stretch in chosen)
        if len(chosen) < limit:
            told = {index for first, last in spans(chosen) for index in range(first, last + 1)}
            assert scores.keys() <= told

    def test_no_document_crowds_out_the_others(self) -> None:
        near, other = chunks(41), chunks(1, "/b")
        passages = found((other[0], 0.1), *((one, 0.5) for one in near))
        chosen = best_stretches(passages, replace(POLICY, most_of_a_document=2), 9)
        assert [stretch.best.chunk.url for stretch in chosen] == [near[0].url] * 2 + [other[0].url]

    def test_of_nothing_nothing_is_chosen(self) -> None:
        assert best_stretches([], POLICY, 5) == []
