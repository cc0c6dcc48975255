"""Answers without a language model: the sentences that come closest, quoted word for word."""

import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin_rag_api.generation.engines import Finish, Piece, Source, Task, Text, Usage
from twin_rag_api.generation.outline import assign, points_of, render_point
from twin_rag_api.generation.sentences import split_sentences
from twin_rag_api.generation.stop_sequences import StopSequences
from twin_rag_api.retrieval.encoding import Encoding

if TYPE_CHECKING:
    from numpy.typing import NDArray

NO_MODEL = "No language model is configured; these passages of the sources come closest:"
NO_MODEL_WRITES = (
    "No language model is configured, so this is no text in the author's voice but an outline: "
    "its points, and what the sources say on each, word for word."
)


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
    least_for_a_point: float = 0.35
    """Below this a sentence does not speak of a point of an outline."""


@dataclass(frozen=True)
class Quote:
    """A sentence and the source it stands in."""

    source: Source
    sentence: str


class ExtractiveEngine:
    """Quotes; invents nothing."""

    name = "extractive"
    provider = "twin"
    heeds = frozenset(("temperature", "top_p", "seed", "stop", "max_tokens"))
    """Quotes are the same at any temperature and for any seed, so these are followed by themselves."""

    def __init__(
        self, encoding: Encoding, policy: QuotePolicy = QuotePolicy(), notice: str | None = None
    ) -> None:
        """An engine that begins with `notice`; None: that no model is configured."""
        self._encoding = encoding
        self._policy = policy
        self._notice = notice

    async def window(self) -> None:
        """It reads everything."""

    async def close(self) -> None:
        """It has no connections."""

    async def write(self, task: Task) -> AsyncGenerator[Piece, None]:
        """A line that says whose words these are, then the quotes, each a block quote with its number."""
        notice = self._notice or (NO_MODEL_WRITES if task.preset else NO_MODEL)
        blocks = await (self._outline(task) if task.preset else self._quotes(task))
        written, finish = "", Finish("stop")
        stop = StopSequences(task.sampling.stop)
        for block in [Text(f"{notice}\n"), *blocks]:
            text, stopped = stop.feed(block.text)
            text, spent = self._affordable(written, text, task.sampling.max_tokens)
            written += text
            yield Text(text, block.cited if text else ())
            if spent:
                finish = Finish("length")
            if stopped or spent:
                break
        else:
            yield Text(stop.finish())
        read = task.question + "".join(source.passage.text for source in task.sources)
        yield Usage(*self._encoding.count_tokens([read, written]))
        yield finish

    def _affordable(self, written: str, text: str, most: int | None) -> tuple[str, bool]:
        """As many of the words as may still be written, and whether that is not all of them."""
        if most is None or self._encoding.count_tokens([written + text])[0] <= most:
            return text, False
        words = re.findall(r"\s*\S+", text)
        counts = self._encoding.count_tokens([written, *words])
        # Each text counts the marks at its beginning and end; words are counted without them.
        marks = self._encoding.count_tokens([""])[0]
        room = most - counts[0]
        fitting = int((np.cumsum([count - marks for count in counts[1:]]) <= room).sum())
        return "".join(words[:fitting]), True

    async def _quotes(self, task: Task) -> list[Text]:
        candidates, overlap = self._candidates(task)
        if not candidates:
            first = [Quote(source, source.passage.text[:300].strip()) for source in task.sources[:1]]
            return list(map(_block, first))
        vectors = await self._encoding.sentences(
            [task.question, *(candidate.sentence for candidate in candidates)]
        )
        scores = vectors[1:] @ vectors[0] + self._policy.overlap_weight * overlap
        return list(map(_block, best_quotes(candidates, scores, self._policy)))

    async def _outline(self, task: Task) -> list[Text]:
        points = points_of(task)
        candidates, _ = self._candidates(task)
        # A point such as "Why" means nothing without what the text is about.
        wanted = [f"{task.question.splitlines()[0]}: {point}" for point in points]
        texts = [*wanted, *(candidate.sentence for candidate in candidates)]
        vectors = await self._encoding.sentences(texts)
        scores = vectors[: len(points)] @ vectors[len(points) :].T
        chosen = assign(scores, self._policy.least_for_a_point)
        blocks: list[Text] = []
        for number, (point, places) in enumerate(zip(points, chosen, strict=True), start=1):
            quotes = [candidates[place] for place in places]
            text = render_point(number, point, list(map(render_quote, quotes)))
            blocks.append(Text(text, tuple(quote.source.number for quote in quotes)))
        return blocks

    def _candidates(self, task: Task) -> "tuple[list[Quote], NDArray[np.float64]]":
        """The sentences worth encoding, each once, and what share of the question's words each has."""
        asked = self._encoding.terms_of_question(f"{task.question}\n{task.skeleton or ''}")
        sentences: dict[str, Quote] = {}
        for source in task.sources:
            for sentence in split_sentences(source.passage.text):
                sentences.setdefault(" ".join(sentence.split()), Quote(source, sentence))
        quotes = list(sentences.values())
        if not quotes:
            return [], np.zeros(0)
        terms = self._encoding.terms([quote.sentence for quote in quotes])
        overlap = np.array([len(found & asked) / max(1, len(asked)) for found in terms])
        kept = sorted(self._most_promising(quotes, overlap))
        return [quotes[place] for place in kept], overlap[kept]

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


def _block(quote: Quote) -> Text:
    return Text(render_quote(quote), (quote.source.number,))
