"""Judges finished answers, after whoever asked has them: support, citations and style."""

import time
from collections import OrderedDict
from collections.abc import Callable

from qdrant_client import AsyncQdrantClient, models

from twin_common.identity import AuthorId
from twin_common.vector_index import CHUNKS
from twin_rag_api.generation.engines import Source
from twin_rag_api.index import answered
from twin_rag_api.metrics import SENTENCES, SENTENCES_CITED, STYLE
from twin_rag_api.retrieval.encoding import Encoding
from twin_rag_api.traces.grounding import ground, statements
from twin_rag_api.traces.style import StyleProfile
from twin_rag_api.traces.trace import Quality

_PASSAGES = 300
_PROFILE_SECONDS = 3600.0
_NO_PROFILE_SECONDS = 60.0
"""An author who has too little text may be in the middle of the first crawl."""
_MOST_PROFILES = 64


class Judge:
    """Measures an answer and tells Prometheus; remembers each author's style for an hour."""

    def __init__(
        self, encoding: Encoding, index: AsyncQdrantClient, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._encoding = encoding
        self._index = index
        self._now = now
        self._profiles: OrderedDict[AuthorId, tuple[float, StyleProfile | None]] = OrderedDict()

    async def judge(self, author_id: AuthorId, answer: str, sources: tuple[Source, ...]) -> Quality:
        """How well the answer rests on its sources, and how much it sounds like the author.

        Raises:
            NotReady: the encoder or the collection is not there.
            ServerUnavailable: the vector index does not answer.
        """
        texts = {source.number: source.passage.text for source in sources}
        found = ground(answer, texts, self._encoding.terms)
        profile = await self._profile(author_id)
        style = profile.score(" ".join(statements(answer))) if profile else None
        SENTENCES.labels("supported").inc(found.supported)
        SENTENCES.labels("unsupported").inc(found.sentences - found.supported)
        SENTENCES_CITED.inc(found.cited)
        if style is not None:
            STYLE.observe(style)
        return Quality(sentences=found.sentences, supported=found.supported, cited=found.cited, style=style)

    async def _profile(self, author_id: AuthorId) -> StyleProfile | None:
        known = self._profiles.get(author_id)
        if known is None or known[0] < self._now():
            profile = StyleProfile.of(await self._passages(author_id))
            seconds = _PROFILE_SECONDS if profile else _NO_PROFILE_SECONDS
            known = (self._now() + seconds, profile)
            self._profiles[author_id] = known
        self._profiles.move_to_end(author_id)
        if len(self._profiles) > _MOST_PROFILES:
            self._profiles.popitem(last=False)
        return known[1]

    async def _passages(self, author_id: AuthorId) -> list[str]:
        prose = [
            models.FieldCondition(key="author_id", match=models.MatchValue(value=author_id)),
            models.FieldCondition(key="category", match=models.MatchAny(any=["article", "post"])),
        ]
        points, _ = await answered(
            self._index.scroll(CHUNKS, models.Filter(must=prose), limit=_PASSAGES, with_payload=["text"]),
            CHUNKS,
        )
        return [str((point.payload or {})["text"]) for point in points]
