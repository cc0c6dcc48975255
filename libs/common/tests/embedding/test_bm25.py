"""BM25 term weights."""

from collections.abc import Iterable

import pytest

from twin_common.embedding import SparseEmbedder, SparseVector, load_sparse_embedder

_PASSAGE = "A loom weaves the pattern that punched cards describe"


@pytest.fixture(scope="module")
def bm25() -> SparseEmbedder:
    return load_sparse_embedder()


def _shared(one: SparseVector, other: SparseVector) -> Iterable[int]:
    return set(one.indices) & set(other.indices)


class TestBm25:
    def test_a_word_has_one_id_in_documents_and_questions(self, bm25: SparseEmbedder) -> None:
        [document] = bm25.embed_documents([_PASSAGE])
        assert set(bm25.embed_query("loom cards pattern").indices) <= set(document.indices)
        assert not _shared(bm25.embed_query("bread recipe"), document)

    def test_case_and_inflection_do_not_matter(self, bm25: SparseEmbedder) -> None:
        [document] = bm25.embed_documents([_PASSAGE])
        assert set(bm25.embed_query("LOOMS weaving patterns").indices) <= set(document.indices)

    def test_words_that_say_nothing_weigh_nothing(self, bm25: SparseEmbedder) -> None:
        assert bm25.embed_query("the a that of and").indices == []

    def test_every_id_occurs_once_with_a_positive_weight(self, bm25: SparseEmbedder) -> None:
        for vector in [*bm25.embed_documents([_PASSAGE, _PASSAGE * 3]), bm25.embed_query(_PASSAGE)]:
            assert len(vector.indices) == len(set(vector.indices)) == len(vector.values) > 0
            assert min(vector.values) > 0

    def test_repetition_counts_and_saturates(self, bm25: SparseEmbedder) -> None:
        filler = "alpha beta gamma delta " * 10
        [loom] = bm25.embed_query("loom").indices
        documents = bm25.embed_documents([f"{'loom ' * count}{filler}" for count in (1, 2, 20)])
        once, twice, often = (vector.values[vector.indices.index(loom)] for vector in documents)
        assert once < twice < often < 10 * once

    def test_documents_stand_in_order_and_nothing_gives_nothing(self, bm25: SparseEmbedder) -> None:
        one, empty, other = bm25.embed_documents(["loom", "", "bread"])
        assert one.indices == bm25.embed_query("loom").indices
        assert other.indices == bm25.embed_query("bread").indices
        assert empty == SparseVector([], []) == bm25.embed_query("")
        assert bm25.embed_documents([]) == []
