"""A question and its variants in one vector."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from twin_common.embedding import SparseVector
from twin_rag_api.retrieval.query_expansion import ExpansionPolicy, fuse, join_words

DIMENSIONS = 8


def unit(values: list[float]) -> NDArray[np.float32]:
    vector = np.array(values, np.float64) + 1e-6
    return (vector / np.linalg.norm(vector)).astype(np.float32)


vectors = st.lists(st.floats(-1, 1), min_size=DIMENSIONS, max_size=DIMENSIONS).map(unit)


class TestFusion:
    def test_its_cosine_is_the_mean_of_the_cosines(self) -> None:
        question, variant, passage = unit([1, 0, 0]), unit([1, 1, 0]), unit([0.2, 0.9, 0.4])
        fused = fuse(question.tolist(), np.stack([variant]))
        mean = (question @ passage + variant @ passage) / 2
        assert fused.scale * float(np.array(fused.dense) @ passage) == pytest.approx(mean, abs=1e-5)
        assert fused.used == (0,)

    def test_without_variants_it_is_the_question(self) -> None:
        question = unit([1, 2, 3]).tolist()
        assert fuse(question, np.empty((0, 3), np.float32)) == (question, 1.0, ())

    def test_what_asks_for_something_else_is_left_out(self) -> None:
        question, near, far = unit([1, 0, 0]), unit([1, 0.5, 0]), unit([0, 0, 1])
        fused = fuse(question.tolist(), np.stack([far, near, far]))
        assert fused.used == (1,)
        assert fused == (*fuse(question.tolist(), np.stack([near]))[:2], (1,))


class TestWords:
    def test_each_counts_once_as_the_question_has_it(self) -> None:
        joined = join_words(SparseVector([1, 2], [1.0, 0.5]), [SparseVector([2, 3], [0.9, 0.8])])
        assert joined == SparseVector([1, 2, 3], [1.0, 0.5, 0.8])


class TestInvariants:
    @given(vectors, st.lists(vectors, min_size=1, max_size=8))
    def test_no_variants_lead_further_away_than_the_policy_admits(
        self, question: NDArray[np.float32], variants: list[NDArray[np.float32]]
    ) -> None:
        policy = ExpansionPolicy()
        fused = fuse(question.tolist(), np.stack(variants), policy)
        bound = np.sqrt((1 + policy.least_cosine) / 2)
        assert np.array(fused.dense) @ question >= bound - 1e-4
        assert np.linalg.norm(fused.dense) == pytest.approx(1.0, abs=1e-4)
        assert 0 < fused.scale <= 1.0 + 1e-6
