"""Whether the sources can answer at all."""

from collections.abc import Sequence
from dataclasses import dataclass

from twin_rag_api.retrieval.passages import Passage


@dataclass(frozen=True)
class RelevancePolicy:
    """When to say that nothing was found.

    Measured by bench/retrieval.py: questions off the author's themes are told apart well, questions on
    them that the texts just do not answer hardly at all. Of the signals tried (cosine of chunks and of
    sentences, shared words weighted by rarity, words that occur nowhere, the lead of the best passage) the
    fused score separated best; names that occur nowhere add the cases in which all else looks familiar.
    """

    least_score: float = 0.36
    least_score_with_unknown_names: float = 0.6
    """Half of the question's names or more occur nowhere: what looks near is most likely another topic."""


def is_answerable(
    passages: Sequence[Passage], unknown: int, names: int, policy: RelevancePolicy = RelevancePolicy()
) -> bool:
    """Whether an answer from these passages is worth trying.

    Args:
        passages: best first.
        unknown: how many of the question's names occur nowhere in the author's passages.
        names: how many names the question has.
        policy: the thresholds.
    """
    foreign = names > 0 and 2 * unknown >= names
    least = policy.least_score_with_unknown_names if foreign else policy.least_score
    return bool(passages) and passages[0].score >= least
