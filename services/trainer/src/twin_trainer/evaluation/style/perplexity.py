"""How likely a model finds the author's held-out text, beside text that has nothing to do with the author.

Any training makes text in general more or less likely; only what the author's text gains beyond the control
was learnt from the author.
"""

from collections.abc import Sequence
from math import log

import numpy as np

from twin_trainer.evaluation.bootstrap import Measure, ratio
from twin_trainer.evaluation.models import Likelihood

_NATS_PER_BIT = log(2)


def by_document(likelihoods: Sequence[Likelihood], documents: Sequence[str]) -> list[Likelihood]:
    """The likelihoods summed over the passages of each document, in the order of first appearance."""
    sums: dict[str, Likelihood] = {}
    for document, one in zip(documents, likelihoods, strict=True):
        sofar = sums.get(document, Likelihood(0, 0, 0))
        sums[document] = Likelihood(
            sofar.nats + one.nats, sofar.tokens + one.tokens, sofar.characters + one.characters
        )
    return list(sums.values())


def perplexity(likelihoods: Sequence[Likelihood]) -> Measure:
    """e to the mean nats of a token; of use between models with the same tokenizer."""
    mean = ratio([one.nats for one in likelihoods], [one.tokens for one in likelihoods])
    return Measure(mean.blocks, lambda weights: np.exp(mean.statistic(weights)))


def bits_per_character(likelihoods: Sequence[Likelihood]) -> Measure:
    """The same whatever the tokenizer; as Gao et al., The Pile (2020), section 3.1, of characters."""
    return ratio([one.nats / _NATS_PER_BIT for one in likelihoods], [one.characters for one in likelihoods])


def author_specific_gain(
    before: tuple[Sequence[Likelihood], Sequence[Likelihood]],
    after: tuple[Sequence[Likelihood], Sequence[Likelihood]],
) -> Measure:
    """Bits per character by which the author's text became likelier, less what the control text did.

    Args:
        before, after: the likelihoods of the author's documents and of the control's paragraphs.
    """
    gains = [
        bits_per_character(old).minus(bits_per_character(new)) for old, new in zip(before, after, strict=True)
    ]
    return gains[0].beside(gains[1], np.subtract)
