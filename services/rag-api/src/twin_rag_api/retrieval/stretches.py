"""Which stretches of the documents are returned: those that together hold the most of what was found.

The best chunk alone is a weak witness: a cosine tells chunks of one theme apart by little, and the answer
may stand a few lines from the chunk that comes closest. So every chunk that was found bears
witness, the more so the nearer it comes to the best, and a passage is the stretch of text with the most
witnesses that no better passage holds already (docs/adr/0029).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

from twin_common.documents import Chunk
from twin_rag_api.retrieval.passages import Passage


@dataclass(frozen=True)
class StretchPolicy:
    """How much is returned of what was found; measured by bench/retrieval.py."""

    tokens: int = 400
    """The length of a returned passage, in the encoder's tokens."""
    temperature: float = 0.06
    """A chunk this much below the best in score is worth 1/e of it as a witness."""
    most_of_a_document: int = 6
    """So that one document does not crowd out all others."""


@dataclass(frozen=True)
class Stretch:
    """Neighbouring chunks of one document that are returned as one passage."""

    best: Passage
    """The one that fits the question best."""
    first: int
    last: int
    """Index of the first and the last chunk that was found here."""
    score: float
    """The soft maximum of the chunks' scores: at least the best one's, more with every good one beside it."""


@dataclass
class _Witness:
    """A chunk that was found, and what it is still worth; nothing once a chosen stretch holds it."""

    passage: Passage
    worth: float

    @property
    def chunk(self) -> Chunk:
        return self.passage.chunk

    @property
    def end(self) -> int:
        return self.chunk.start + len(self.chunk.text)


def best_stretches(passages: Sequence[Passage], policy: StretchPolicy, limit: int) -> list[Stretch]:
    """Choose greedily, and count no witness twice.

    Args:
        passages: chunks that were found, best first; of each document in one version only.
        policy: how long a stretch may be.
        limit: how many at most.

    Returns:
        The stretches, by falling score.
    """
    if not passages:
        return []
    best = max(passage.score for passage in passages)
    documents: dict[str, list[_Witness]] = defaultdict(list)
    for passage in passages:
        worth = exp((passage.score - best) / policy.temperature)
        documents[passage.chunk.document_id].append(_Witness(passage, worth))
    for witnesses in documents.values():
        witnesses.sort(key=lambda witness: witness.chunk.start)
    offers = {name: _best_run(witnesses, policy) for name, witnesses in documents.items()}
    taken: dict[str, int] = defaultdict(int)
    chosen: list[Stretch] = []
    while offers and len(chosen) < limit:
        name = max(offers, key=lambda one: _worth(offers[one]))
        run = offers[name]
        if not _worth(run):
            break
        chosen.append(_stretch(run, best + policy.temperature * log(_worth(run))))
        for witness in run:
            witness.worth = 0.0
        taken[name] += 1
        if taken[name] < policy.most_of_a_document:
            offers[name] = _best_run(documents[name], policy)
        else:
            del offers[name]
    return chosen


def _best_run(witnesses: Sequence[_Witness], policy: StretchPolicy) -> Sequence[_Witness]:
    """The neighbours of one document that fit the length and are worth the most together."""
    tokens = sum(witness.chunk.token_count for witness in witnesses)
    characters = sum(len(witness.chunk.text) for witness in witnesses)
    longest = policy.tokens * characters / max(1, tokens)
    best: Sequence[_Witness] = ()
    end = 0
    for start, first in enumerate(witnesses):
        end = max(end, start + 1)
        while end < len(witnesses) and witnesses[end].end - first.chunk.start <= longest:
            end += 1
        run = [witness for witness in witnesses[start:end] if witness.worth]
        if _worth(run) > _worth(best):
            best = run
    return best


def _worth(run: Sequence[_Witness]) -> float:
    return sum(witness.worth for witness in run)


def _stretch(run: Sequence[_Witness], score: float) -> Stretch:
    best = max((witness.passage for witness in run), key=lambda passage: passage.score)
    return Stretch(best, run[0].chunk.chunk_index, run[-1].chunk.chunk_index, score)
