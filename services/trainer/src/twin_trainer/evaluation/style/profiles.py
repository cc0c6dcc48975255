"""Which function words and punctuation marks a writer prefers, and how far two writers are apart in it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from twin_trainer.evaluation.bootstrap import Floats, Measure
from twin_trainer.evaluation.style.words import MARKS, marks_of, style_words, words_of

_WORDS = 60


@dataclass(frozen=True)
class Profile:
    """A distribution over a few features, in which a writer is compared with an author."""

    features: tuple[str, ...]
    count: Callable[[str], Floats]
    shares: Floats
    """The author's; they add up to one."""

    def measure(self, documents: Sequence[str]) -> Measure:
        """The Jensen-Shannon distance of all documents together from the author: 0 alike, 1 nothing shared.

        The square root of the divergence in bits: Endres and Schindelin, A New Metric for Probability
        Distributions (2003).
        """
        counts = np.array([self.count(text) for text in documents]).reshape(-1, len(self.features))

        def statistic(weights: Floats) -> Floats:
            drawn = weights @ counts
            with np.errstate(divide="ignore", invalid="ignore"):
                theirs = drawn / drawn.sum(axis=1, keepdims=True)
                middle = (theirs + self.shares) / 2
                divergence = (_relative(theirs, middle) + _relative(self.shares, middle)) / 2
            distance: Floats = np.sqrt(np.clip(divergence, 0, None))
            return distance

        return Measure((len(documents),), statistic)

    def of(self, text: str) -> Floats:
        """A text's shares of the features."""
        counts = self.count(text)
        shares: Floats = counts / max(counts.sum(), 1)
        return shares


def function_word_profile(author: Sequence[str], language: str) -> Profile:
    """Over the author's commonest function words, and one feature for all other words."""
    words = style_words(author, language, _WORDS)
    places = {word: place for place, word in enumerate(words)}

    def count(text: str) -> Floats:
        counts = np.zeros(len(words) + 1)
        for word in words_of(text):
            counts[places.get(word, -1)] += 1
        return counts

    return _profile((*words, "other words"), count, author)


def punctuation_profile(author: Sequence[str]) -> Profile:
    """Over the marks, and one feature for the words between them."""

    def count(text: str) -> Floats:
        marks = marks_of(text)
        return np.array([*(marks[mark] for mark in MARKS), len(words_of(text))], dtype=float)

    return _profile((*MARKS, "words"), count, author)


def _profile(features: tuple[str, ...], count: Callable[[str], Floats], author: Sequence[str]) -> Profile:
    total = np.sum([count(text) for text in author], axis=0)
    return Profile(features, count, total / max(total.sum(), 1))


def _relative(one: Floats, other: Floats) -> Floats:
    """Kullback-Leibler divergence in bits, row by row; a share of nothing adds nothing."""
    terms = np.where(one == 0, 0.0, one * np.log2(np.where(one == 0, 1.0, one) / other))
    divergence: Floats = terms.sum(axis=-1)
    return divergence
