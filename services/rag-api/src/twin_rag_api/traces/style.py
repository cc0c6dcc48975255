"""Whether a text reads like an author's: Burrows's Delta against the author's own passages.

J. Burrows, "Delta: a measure of stylistic difference", Literary and Linguistic Computing 17 (2002): how often
the most frequent words of an author occur, each in standard deviations of the author's own texts. These words
carry no topic, so that a text about something new can still be in the old voice.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

_TOKEN = re.compile(r"\w+(?:['’]\w+)?|[.,;:!?—–()]")
_CITATION = re.compile(r"\[\d+(?:\s*,\s*\d+)*\]")


@dataclass(frozen=True)
class StylePolicy:
    """How style is measured."""

    features: int = 60
    """Words and marks of punctuation, the author's most frequent ones."""
    least_tokens: int = 40
    """A shorter text is all chance."""
    least_passages: int = 10
    """From fewer the author's own variety cannot be told."""


@dataclass(frozen=True)
class StyleProfile:
    """An author's habits, and how far their own passages stray from them."""

    features: tuple[str, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    own_distances: tuple[float, ...]
    """Of each of the author's passages, ascending."""
    policy: StylePolicy

    @classmethod
    def of(cls, passages: Sequence[str], policy: StylePolicy = StylePolicy()) -> "StyleProfile | None":
        """The profile of an author; None where there is too little text."""
        texts = [tokens for tokens in map(_tokens, passages) if len(tokens) >= policy.least_tokens]
        if len(texts) < policy.least_passages:
            return None
        common = Counter(token for tokens in texts for token in tokens).most_common(policy.features)
        features = tuple(token for token, _ in common)
        rows = [_frequencies(tokens, features) for tokens in texts]
        means = tuple(sum(column) / len(rows) for column in zip(*rows, strict=True))
        deviations = tuple(
            sqrt(sum((value - mean) ** 2 for value in column) / len(rows)) or 1e-9
            for column, mean in zip(zip(*rows, strict=True), means, strict=True)
        )
        own = sorted(_distance(row, means, deviations) for row in rows)
        return cls(features, means, deviations, tuple(own), policy)

    def score(self, text: str) -> float | None:
        """The share of the author's passages that are as far from the author's habits as `text`, or farther.

        About one half for a text of the author's, near 0 for a stranger's; None for one that is too short.
        """
        tokens = _tokens(_CITATION.sub(" ", text))
        if len(tokens) < self.policy.least_tokens:
            return None
        distance = _distance(_frequencies(tokens, self.features), self.means, self.deviations)
        nearer = bisect_left(self.own_distances, distance)
        return 1 - nearer / len(self.own_distances)


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text.lower())


def _frequencies(tokens: Sequence[str], features: Sequence[str]) -> list[float]:
    counts = Counter(tokens)
    return [counts[feature] / len(tokens) for feature in features]


def _distance(row: Sequence[float], means: Sequence[float], deviations: Sequence[float]) -> float:
    parts = (abs(value - mean) / spread for value, mean, spread in zip(row, means, deviations, strict=True))
    return sum(parts) / len(row)
