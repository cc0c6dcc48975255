"""One query for a question put in several ways.

The mean of the cosines to several vectors is the cosine to their mean, but for a factor. So one query fuses
the results of a question and its variants, over all passages instead of over the first of each list.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twin_common.embedding import SparseVector

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class ExpansionPolicy:
    """How far variants may lead away from the question: 37 degrees at most, with these figures."""

    question_weight: float = 0.5
    """Of the question itself; its variants share the rest."""
    least_cosine: float = 0.3
    """A variant further from the question than this asks for something else and is left out: three quarters
    of good variants come nearer, and none of those that were made for other questions did."""


class FusedQuestion(NamedTuple):
    """The vector that is searched with."""

    dense: list[float]
    """Of length 1."""
    scale: float
    """What a cosine to it is multiplied with to be the mean of the cosines."""
    used: tuple[int, ...]
    """Which of the variants are in it, by position."""


def fuse(
    question: Sequence[float], variants: "NDArray[np.float32]", policy: ExpansionPolicy = ExpansionPolicy()
) -> FusedQuestion:
    """The question and those of its variants that ask for the same.

    Args:
        question: its vector, of length 1.
        variants: theirs, shape (variants, dimensions), each of length 1.
        policy: how much they weigh.
    """
    own = np.asarray(question, dtype=np.float64)
    near = np.flatnonzero(variants @ own >= policy.least_cosine) if len(variants) else np.array([], dtype=int)
    if not len(near):
        return FusedQuestion(list(question), 1.0, ())
    mean = policy.question_weight * own + (1 - policy.question_weight) * variants[near].mean(axis=0)
    length = float(np.linalg.norm(mean))
    return FusedQuestion((mean / length).tolist(), length, tuple(near.tolist()))


def join_words(question: SparseVector, variants: Sequence[SparseVector]) -> SparseVector:
    """The words of the question and of its variants, each once; those of the question as they weigh there."""
    words: dict[int, float] = {}
    for vector in (question, *variants):
        for index, value in zip(vector.indices, vector.values, strict=True):
            words.setdefault(index, value)
    return SparseVector(list(words), list(words.values()))
