"""A second, closer look at what a search has found; a setting, because it costs the encoder's time.

Late interaction: each word of the question looks for the word of the passage that comes closest to it in its
context, and the score is the mean of these cosines. The one vector of a passage is an average over all that
is said there; its words are not (docs/adr/0030).
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from twin_rag_api.metrics import RERANKS
from twin_rag_api.retrieval.encoding import Encoding
from twin_rag_api.retrieval.passages import Passage

if TYPE_CHECKING:
    from numpy.typing import NDArray

_Key = tuple[str, str]
"""A collection, whose encoder it was, and the hash of a text."""
_TEXTS_A_CALL = 16
"""So that encoding which nobody waits for any more ends soon."""


@dataclass(frozen=True)
class RerankPolicy:
    """How much is looked at, and for how long."""

    passages: int
    """How many of the best are looked at; those after them are left out."""
    seconds: float
    """After so long the search goes on without; what is encoded by then is kept for the next one."""
    kept_texts: int = 4000
    """Texts whose words' vectors stay in memory, about 70 kB each with 384 dimensions."""


class LateInteraction:
    """Compares words with words, by the vectors that the index's own encoder gives them."""

    def __init__(self, encoding: Encoding, policy: RerankPolicy) -> None:
        self._encoding = encoding
        self._policy = policy
        self._kept: dict[_Key, NDArray[np.float16]] = {}

    async def rerank(self, question: str, passages: Sequence[Passage]) -> list[Passage]:
        """The best passages in a better order; when time runs out, all of them as they were.

        Only the differences between the new scores mean something: they are moved so that the best passage
        has the score that the best had before, by which it is told whether there is an answer.
        """
        if not passages:
            return []
        looked_at = passages[: self._policy.passages]
        try:
            async with asyncio.timeout(self._policy.seconds):
                scores = await self._scores(question, looked_at)
        except TimeoutError:
            RERANKS.labels("timeout").inc()
            return list(passages)
        RERANKS.labels("done").inc()
        moved = scores + (passages[0].score - scores.max())
        order = np.argsort(-scores, kind="stable")
        return [replace(looked_at[position], score=float(moved[position])) for position in order]

    async def _scores(self, question: str, passages: Sequence[Passage]) -> "NDArray[np.float32]":
        collection = self._encoding.collection or ""
        texts = {(collection, passage.chunk.text_hash): passage.chunk.text for passage in passages}
        [asked] = await self._encoding.words([question])
        words = await self._words(texts)
        in_order = [words[collection, passage.chunk.text_hash] for passage in passages]
        return await asyncio.to_thread(_nearest_words, asked, in_order)

    async def _words(self, texts: "Mapping[_Key, str]") -> "dict[_Key, NDArray[np.float16]]":
        """The words' vectors of these texts, from memory where they are there."""
        found = {key: self._kept.pop(key) for key in texts if key in self._kept}
        self._kept |= found
        missing = [key for key in texts if key not in found]
        for start in range(0, len(missing), _TEXTS_A_CALL):
            part = missing[start : start + _TEXTS_A_CALL]
            vectors = await self._encoding.words([texts[key] for key in part])
            fresh = {key: own.astype(np.float16) for key, own in zip(part, vectors, strict=True)}
            found |= fresh
            self._kept |= fresh
            while len(self._kept) > self._policy.kept_texts:
                del self._kept[next(iter(self._kept))]
        return found


def _nearest_words(
    asked: "NDArray[np.float32]", texts: "Sequence[NDArray[np.float16]]"
) -> "NDArray[np.float32]":
    """For each text the mean, over the question's words, of the cosine to the text's nearest word."""
    starts = np.cumsum([0, *(len(words) for words in texts[:-1])])
    cosines = np.concatenate(texts).astype(np.float32) @ asked.T
    return np.asarray(np.maximum.reduceat(cosines, starts, axis=0).mean(axis=1), dtype=np.float32)
