"""BM25 term weights from Qdrant's own implementation, with the ids that Qdrant itself would give."""

from collections.abc import Sequence

from qdrant_edge import Bm25, Bm25Config

from twin_common.embedding.protocol import SparseVector


class Bm25Embedder:
    """The saturation part of BM25; the inverse document frequency is the index's."""

    def __init__(self) -> None:
        self._bm25 = Bm25(Bm25Config())

    def embed_documents(self, texts: Sequence[str]) -> list[SparseVector]:
        return [_plain(self._bm25.embed_document(text)) for text in texts]

    def embed_query(self, text: str) -> SparseVector:
        return _plain(self._bm25.embed_query(text))


def _plain(vector: object) -> SparseVector:
    return SparseVector(list(vector.indices), list(vector.values))  # type: ignore[attr-defined]
