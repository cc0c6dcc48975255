"""Authorship verification: a classifier that was shown the author and others judges who wrote a text.

Character n-grams weighted by document frequency, and a linear classifier over them: the baseline of the PAN
tasks on authorship verification, after Stamatatos, On the Robustness of Authorship Attribution Based on
Character N-gram Features (2013). Words that tell of the subject are masked letter by letter, as in
Stamatatos, Masking Topic-Related Information to Enhance Authorship Attribution (2018): else the subject is
what is learnt.
"""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from twin_trainer.evaluation.bootstrap import Floats
from twin_trainer.evaluation.style.words import style_words

_MASKED = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d")
_WORDS_KEPT = 200


class AuthorshipVerifier:
    """Tells how probable it is that the author wrote a text."""

    def __init__(self, pipeline: Any, kept: frozenset[str]) -> None:
        self._pipeline = pipeline
        self._kept = kept

    @classmethod
    def fit(cls, author: Sequence[str], contrast: Sequence[str], language: str) -> "AuthorshipVerifier":
        """From passages of the author and of others; both sides count the same, however many there are.

        Raises:
            ValueError: one side has no text.
        """
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline

        if not author or not contrast:
            raise ValueError("a verifier needs text of the author and of others")
        kept = frozenset(style_words([*author, *contrast], language, _WORDS_KEPT))
        pipeline = make_pipeline(
            TfidfVectorizer(
                analyzer="char", ngram_range=(2, 4), lowercase=False, sublinear_tf=True, max_features=20_000
            ),
            LogisticRegression(C=10.0, class_weight="balanced", max_iter=1000),
        )
        texts = [masked(text, kept) for text in (*author, *contrast)]
        pipeline.fit(texts, [1] * len(author) + [0] * len(contrast))
        return cls(pipeline, kept)

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """Of each text; an empty one tells nothing, and has the probability of no author's."""
        if not texts:
            return np.zeros(0)
        found: Floats = self._pipeline.predict_proba([masked(text, self._kept) for text in texts])[:, 1]
        return np.where([bool(text.strip()) for text in texts], found, 0.0)


def masked(text: str, kept: frozenset[str]) -> str:
    """The text with every other word as asterisks of its length, capitals told by their first letter.

    Breaks of lines are spaces: they come from how a text was stored or asked for.
    """

    def mask(found: re.Match[str]) -> str:
        word = found.group()
        if word.replace("’", "'").lower() in kept:
            return word
        if word.isdigit():
            return "#"
        return ("^" if word[0].isupper() else "*") + "*" * (len(word) - 1)

    return " ".join(_MASKED.sub(mask, text).split())
