"""A closer look at what was found: the question's words beside the passages' words.

The one vector of a passage is an average over all that is said there; its words are not. Each word of the
question looks for the word that comes closest to it, in its context. The index keeps the words' vectors, so
nothing is encoded here (docs/adr/0030, 0035).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from twin_common.embedding.words import nearest_words
from twin_rag_api.retrieval.passages import Passage

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEAST_WEIGHT = 1e-3
"""Of a word that every passage has."""


def compared_by_words(asked: "NDArray[np.float32]", passages: Sequence[Passage]) -> list[Passage]:
    """The passages in a better order; as they were where the index lacks the words of one.

    A word that all passages come close to tells them apart by little, so it counts for little.

    Args:
        asked: the question's words, of length 1, shape (words, dimensions).
        passages: what was found, best first.

    Returns:
        The same, with new scores. Only their differences mean something: they are moved so that the best
        passage has the score that the best had before, by which it is told whether there is an answer.
    """
    if not passages or not all(passage.words for passage in passages):
        return list(passages)
    nearest = nearest_words(asked, [passage.words for passage in passages])
    weights = np.maximum(1 - nearest.mean(axis=0), _LEAST_WEIGHT)
    scores = nearest @ weights / weights.sum()
    moved = scores + (passages[0].score - scores.max())
    order = np.argsort(-scores, kind="stable")
    return [replace(passages[position], score=float(moved[position])) for position in order]
