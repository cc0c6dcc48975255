"""Burrows' Delta: how far a text's use of the commonest words is from an author's, in standard deviations.

Burrows, 'Delta': a Measure of Stylistic Difference and a Guide to Likely Authorship, Literary and Linguistic
Computing 17 (2002): the mean, over the commonest words, of the absolute difference of z-scores.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twin_trainer.evaluation.bootstrap import Floats, Measure
from twin_trainer.evaluation.style.words import style_words, words_of

_WORDS = 120
"""Burrows used the 150 commonest of all words; of those, about so many are function words."""
_CHUNK_WORDS = 500
"""Texts are compared in pieces of this length, since the spread of a frequency falls with the length."""


@dataclass(frozen=True)
class AuthorDelta:
    """An author's profile, and the means and spreads that z-scores are taken with."""

    words: tuple[str, ...]
    means: Floats
    spreads: Floats
    profile: Floats
    """The author's z-scores."""

    @classmethod
    def fit(cls, author: Sequence[str], contrast: Sequence[str], language: str) -> "AuthorDelta":
        """From training text, and text of others that an author is told apart from.

        Each side counts half in means and spreads, however much there is of it.
        """
        words = style_words([*author, *contrast], language, _WORDS)
        sides = [_frequencies(chunks(texts), words) for texts in (author, contrast) if texts]
        means = np.mean([side.mean(axis=0) for side in sides], axis=0)
        spreads = np.sqrt(np.mean([((side - means) ** 2).mean(axis=0) for side in sides], axis=0))
        is_used = spreads > 0
        kept = tuple(word for word, used in zip(words, is_used, strict=True) if used)
        means, spreads = means[is_used], spreads[is_used]
        profile = (_frequencies([" ".join(author)], kept)[0] - means) / spreads
        return cls(kept, means, spreads, profile)

    def measure(self, documents: Sequence[str]) -> Measure:
        """The Delta of all documents together; one alone is mostly too short for it."""
        counts, totals = _counts(documents, self.words)

        def statistic(weights: Floats) -> Floats:
            with np.errstate(divide="ignore", invalid="ignore"):
                frequencies = (weights @ counts) / (weights @ totals)[:, None]
            distances: Floats = np.abs((frequencies - self.means) / self.spreads - self.profile).mean(axis=1)
            return distances

        return Measure((len(documents),), statistic)

    def distance(self, text: str) -> float:
        """The Delta of one text; not a number where it has no word."""
        return float(self.measure([text]).statistic(np.ones((1, 1)))[0])


def chunks(texts: Sequence[str]) -> list[str]:
    """All texts in pieces of 500 words; the last is left out if it is shorter than half of that."""
    words = [word for text in texts for word in words_of(text)]
    pieces = [words[start : start + _CHUNK_WORDS] for start in range(0, len(words), _CHUNK_WORDS)]
    whole = [piece for piece in pieces if len(piece) >= _CHUNK_WORDS / 2]
    return [" ".join(piece) for piece in whole or pieces]


def _frequencies(texts: Sequence[str], words: Sequence[str]) -> Floats:
    counts, totals = _counts(texts, words)
    frequencies: Floats = counts / np.maximum(totals, 1)[:, None]
    return frequencies


def _counts(texts: Sequence[str], words: Sequence[str]) -> tuple[Floats, Floats]:
    counted = [Counter(words_of(text)) for text in texts]
    counts = np.array([[found[word] for word in words] for found in counted], dtype=float)
    return counts.reshape(len(texts), len(words)), np.array([found.total() for found in counted], dtype=float)
