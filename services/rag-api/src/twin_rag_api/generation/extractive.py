"""Answers without a language model: the sentences that come closest, quoted word for word."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin_rag_api.generation.engines import Finish, Piece, Source, Task, Text, Usage
from twin_rag_api.generation.sentences import split_sentences
from twin_rag_api.retrieval.encoding import Encoding

if TYPE_CHECKING:
    from numpy.typing import NDArray

NO_MODEL = "No language model is configured; these passages of the sources come closest:"


@dataclass(frozen=True)
class QuotePolicy:
    """How sentences are chosen."""

    quotes: int = 3
    tokens: int = 600
    """How much is encoded at most; the encoder's time is the first word's delay."""
    overlap_weight: float = 0.2
    """What sharing all the question's words adds to the cosine."""
    least_of_best: float = 0.75
    """A sentence below this share of the best one's score is left out."""


@dataclass(frozen=True)
class Quote:
    """A sentence and the source it stands in."""

    source: Source
    sentence: str


class ExtractiveEngine:
    """Quotes; invents nothing."""

    name = "extractive"
    provider = "twin"
    heeds: frozenset[str] = frozenset()

    def __init__(
        self, encoding: Encoding, policy: QuotePolicy = QuotePolicy(), notice: str = NO_MODEL
    ) -> None:
        self._encoding = encoding
        self._policy = policy
        self._notice = notice

    async def write(self, task: Task) -> AsyncGenerator[Piece, None]:
        """A line that says whose words these are, then the quotes, each a block quote with its number."""
        quotes = await self._choose(task)
        yield Text(f"{self._notice}\n")
        written = self._notice
        for quote in quotes:
            block = render_quote(quote)
            written += block
            yield Text(block, (quote.source.number,))
        read = task.question + "".join(source.passage.text for source in task.sources)
        yield Usage(*self._encoding.count_tokens([read, written]))
        yield Finish("stop")

    async def _choose(self, task: Task) -> list[Quote]:
        asked = self._encoding.terms_of_question(task.question)
        candidates = [
            Quote(source, sentence)
            for source in task.sources
            for sentence in dict.fromkeys(split_sentences(source.passage.text))
        ]
        terms = self._encoding.terms([quote.sentence for quote in candidates])
        overlap = np.array([len(found & asked) / max(1, len(asked)) for found in terms])
        if not candidates:
            return [Quote(source, source.passage.text[:300].strip()) for source in task.sources[:1]]
        kept = sorted(self._most_promising(candidates, overlap))
        texts = [task.question, *(candidates[position].sentence for position in kept)]
        vectors = await self._encoding.sentences(texts)
        scores = vectors[1:] @ vectors[0] + self._policy.overlap_weight * overlap[kept]
        return best_quotes([candidates[position] for position in kept], scores, self._policy)

    def _most_promising(self, candidates: Sequence[Quote], overlap: "NDArray[np.float64]") -> list[int]:
        """Sentences of good passages and with the question's words, as many as may be encoded."""
        promise = overlap + np.array([quote.source.passage.score for quote in candidates])
        order = np.argsort(-promise, kind="stable")
        counts = self._encoding.count_tokens([candidates[position].sentence for position in order])
        affordable = int((np.cumsum(counts) <= self._policy.tokens).sum())
        return [int(position) for position in order[: max(1, affordable)]]


def best_quotes(
    candidates: Sequence[Quote], scores: "NDArray[np.floating]", policy: QuotePolicy
) -> list[Quote]:
    """The best sentences, best first, none twice, and none far behind the best."""
    chosen: dict[str, Quote] = {}
    best = float(scores.max())
    for position in np.argsort(-scores, kind="stable"):
        quote = candidates[position]
        if len(chosen) == policy.quotes or scores[position] < policy.least_of_best * best:
            break
        chosen.setdefault(" ".join(quote.sentence.split()), quote)
    return list(chosen.values())


def render_quote(quote: Quote) -> str:
    """A Markdown block quote with its citation; code keeps its lines."""
    lines = quote.sentence.splitlines()
    return "\n" + "\n".join(f"> {line}" for line in lines) + f" [{quote.source.number}]\n"
