"""A closer look at what was found: the question's words beside the passages' words.

The one vector of a passage is an average over all that is said there; its words are not. Each word of the
question looks for the word that comes closest to it, in its context. The index keeps the words' vectors, so
nothing is encoded here (docs/adr/0030, 0035).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from twin_common.embedding.words import nearest_words, unpack_words
from twin_common.identity import point_id
from twin_rag_api.auth import AuthorScope
from twin_rag_api.retrieval.encoding import EncodedQuestion
from twin_rag_api.retrieval.hybrid_search import HybridSearch
from twin_rag_api.retrieval.passages import Passage

if TYPE_CHECKING:
    from numpy.typing import NDArray

_Key = tuple[str, str]
"""A collection, and the hash of a text."""
_KEPT_TEXTS = 16_384
"""Texts whose words stay in memory, about 4 kB each: reading them takes longer than comparing them."""
_LEAST_WEIGHT = 1e-3
"""Of a word that every passage has."""


class LateInteraction:
    """Compares passages with the question word by word, by the vectors that the index keeps of them."""

    def __init__(self, index: HybridSearch, kept_texts: int = _KEPT_TEXTS) -> None:
        self._index = index
        self._kept_texts = kept_texts
        self._kept: dict[_Key, NDArray[np.uint8]] = {}

    async def compare(
        self, scope: AuthorScope, question: EncodedQuestion, passages: Sequence[Passage]
    ) -> list[Passage]:
        """The passages in a better order; as they were where the index lacks the words of one.

        Args:
            scope: whose passages.
            question: what was searched for.
            passages: what was found, best first.

        Returns:
            The same, with new scores. Only their differences mean something: they are moved so that the best
            passage has the score that the best had before, by which it is told whether there is an answer.

        Raises:
            NotReady: the collection is gone.
            ServerUnavailable: the vector index does not answer.
        """
        words = await self._words(scope, question, passages)
        in_order = [own for passage in passages if (own := words[passage.chunk.text_hash]) is not None]
        if not passages or len(in_order) < len(passages):
            return list(passages)
        scores = await asyncio.to_thread(_scores, question.words, in_order)
        moved = scores + (passages[0].score - scores.max())
        order = np.argsort(-scores, kind="stable")
        return [replace(passages[position], score=float(moved[position])) for position in order]

    async def _words(
        self, scope: AuthorScope, question: EncodedQuestion, passages: Sequence[Passage]
    ) -> "dict[str, NDArray[np.uint8] | None]":
        """The words of each passage by the hash of its text: from memory, else from the index."""
        collection = question.collection
        points = {
            passage.chunk.text_hash: point_id(passage.chunk.document_id, passage.chunk.chunk_index)
            for passage in passages
        }
        found = {hashed: self._kept.pop((collection, hashed), None) for hashed in points}
        missing = [point for hashed, point in points.items() if found[hashed] is None]
        read = await self._index.words(scope, missing, collection=collection)
        dimensions = question.words.shape[1]
        found |= {hashed: unpack_words(packed, dimensions) for hashed, packed in read.items()}
        self._kept |= {(collection, hashed): own for hashed, own in found.items() if own is not None}
        while len(self._kept) > self._kept_texts:
            del self._kept[next(iter(self._kept))]
        return found


def _scores(asked: "NDArray[np.float32]", texts: "Sequence[NDArray[np.uint8]]") -> "NDArray[np.float32]":
    """For each text the mean cosine of the question's words to its nearest.

    A word that all texts come close to tells them apart by little, so it counts for little.
    """
    nearest = nearest_words(asked, texts)
    weights = np.maximum(1 - nearest.mean(axis=0), _LEAST_WEIGHT)
    return np.asarray(nearest @ weights / weights.sum(), dtype=np.float32)
