"""A search from the question's text to the passages."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from opentelemetry.trace import SpanKind

from twin_common.telemetry import span
from twin_rag_api.auth import AuthorScope
from twin_rag_api.gen_ai import PROVIDER, operation
from twin_rag_api.metrics import FILTERS, RETRIEVAL_SECONDS, VARIANTS, timed
from twin_rag_api.retrieval.context import neighbour_ids, widened, without_repeats
from twin_rag_api.retrieval.cross_encoder import CrossEncoder
from twin_rag_api.retrieval.encoding import EncodedQuestion, Encoding
from twin_rag_api.retrieval.hybrid_search import HybridSearch
from twin_rag_api.retrieval.late_interaction import LateInteraction
from twin_rag_api.retrieval.names import names_in
from twin_rag_api.retrieval.passages import (
    EVERYTHING,
    Found,
    Passage,
    SearchFilters,
    without_superseded,
)
from twin_rag_api.retrieval.query_expansion import fuse, join_words
from twin_rag_api.retrieval.question_reader import QuestionReader
from twin_rag_api.retrieval.self_query import Reading
from twin_rag_api.retrieval.stretches import StretchPolicy, best_stretches
from twin_rag_api.retrieval.wished_filters import search_as_wished

_CANDIDATES = 200
_CANDIDATES_A_PASSAGE = 10
"""Most of what is found stands beside something better, or says the same."""
_STRETCHES = StretchPolicy()


@dataclass(frozen=True)
class _Searched:
    """What is searched for, encoded."""

    text: str
    encoded: EncodedQuestion
    scale: float = 1.0
    """What scores are multiplied with to be means over the text and its variants."""
    variants: tuple[str, ...] = ()
    """Those that are in the vectors besides the text."""


class Retrieval:
    """Reads and encodes the question, searches, and returns what was found in its surroundings."""

    def __init__(
        self,
        encoding: Encoding,
        index: HybridSearch,
        late_interaction: LateInteraction | None = None,
        policy: StretchPolicy = _STRETCHES,
        *,
        reader: QuestionReader | None = None,
        cross_encoder: CrossEncoder | None = None,
    ) -> None:
        self._encoding = encoding
        self._index = index
        self._late_interaction = late_interaction
        self._policy = policy
        self._reader = reader
        self._cross_encoder = cross_encoder

    async def read(self, question: str) -> Reading:
        """What a question asks for, by the steps that are set; it never fails."""
        text = unicodedata.normalize("NFKC", question)
        if self._reader is None:
            return Reading(text, text)
        with timed(RETRIEVAL_SECONDS, "read"), span("read question"):
            return await self._reader.read(text)

    async def search(
        self, scope: AuthorScope, question: str, limit: int, filters: SearchFilters = EVERYTHING
    ) -> list[Passage]:
        """The author's passages that fit the question best, best first; the question is taken as it is.

        Raises:
            NotReady: the encoder or the collection is not there yet.
            ServerUnavailable: the vector index does not answer.
        """
        text = unicodedata.normalize("NFKC", question)
        return (await self.find(scope, Reading(text, text), limit, filters)).passages

    async def find(
        self, scope: AuthorScope, reading: Reading, limit: int, filters: SearchFilters = EVERYTHING
    ) -> Found:
        """The author's passages that fit what was read best, and which of its wishes they meet.

        Args:
            scope: whose passages.
            reading: the question as it was read.
            limit: how many at most.
            filters: the caller's own, which hold whatever the question says.

        Raises: as `search`.
        """
        with operation("retrieval", PROVIDER, "") as current:
            current.set("retrieval.limit", limit)
            searched = await self._encode(reading.rest, reading.variants)
            with timed(RETRIEVAL_SECONDS, "search"), span("search index", kind=SpanKind.CLIENT):
                granted = await search_as_wished(
                    lambda some: self._candidates(scope, searched, some, limit), filters, reading.filters
                )
            found = granted.passages
            if granted.dropped != EVERYTHING and granted.filters == filters:
                # What was read as filters may have been the topic.
                searched = await self._encode(reading.question, reading.variants)
                with timed(RETRIEVAL_SECONDS, "search"), span("search index", kind=SpanKind.CLIENT):
                    found = await self._candidates(scope, searched, filters, limit)
            _count(granted.filters != filters, granted.dropped != EVERYTHING)
            passages = await self._passages(scope, found, searched, limit)
            current.set("retrieval.passages", len(passages))
        shortened = (searched.text,) if searched.text != reading.question else ()
        return Found(passages, granted.filters, granted.dropped, (*shortened, *searched.variants))

    async def close(self) -> None:
        """Let go of the connections to other models."""
        for asked in (self._reader, self._cross_encoder):
            if asked is not None:
                await asked.close()

    async def _encode(self, text: str, variants: Sequence[str]) -> _Searched:
        encoding = operation("embeddings", PROVIDER, self._encoding.model_name)
        with timed(RETRIEVAL_SECONDS, "encode"), encoding:
            encoded = await self._encoding.question(text)
            if not variants:
                return _Searched(text, encoded)
            vectors, words = await self._encoding.variants(variants)
            fused = fuse(encoded.dense, vectors)
            both = encoded._replace(
                dense=fused.dense, sparse=join_words(encoded.sparse, [words[place] for place in fused.used])
            )
        VARIANTS.labels("used").inc(len(fused.used))
        VARIANTS.labels("strayed").inc(len(variants) - len(fused.used))
        used = tuple(variants[place] for place in fused.used)
        return _Searched(text, both, fused.scale, used)

    async def _candidates(
        self, scope: AuthorScope, searched: _Searched, filters: SearchFilters, limit: int
    ) -> list[Passage]:
        wanted = max(_CANDIDATES, _CANDIDATES_A_PASSAGE * limit)
        encoded = searched.encoded
        found = await self._index.search(
            scope, encoded.dense, encoded.sparse, filters, wanted, collection=encoded.collection
        )
        if searched.variants:
            found = [replace(passage, score=searched.scale * passage.score) for passage in found]
        return without_superseded(found)

    async def _passages(
        self, scope: AuthorScope, found: list[Passage], searched: _Searched, limit: int
    ) -> list[Passage]:
        """What is returned of the chunks that were found."""
        if self._late_interaction is not None:
            with timed(RETRIEVAL_SECONDS, "rerank"), span("compare words"):
                found = await self._late_interaction.compare(scope, searched.encoded, found)
        wanted = 2 * limit
        if self._cross_encoder is not None:
            wanted = max(wanted, self._cross_encoder.policy.passages)
        chosen = best_stretches(found, self._policy, wanted)
        with timed(RETRIEVAL_SECONDS, "widen"), span("read neighbours", kind=SpanKind.CLIENT):
            around = await self._index.chunks(
                scope, neighbour_ids(chosen), collection=searched.encoded.collection
            )
        passages = without_repeats([widened(stretch, around, self._policy) for stretch in chosen])
        if self._cross_encoder is not None:
            with timed(RETRIEVAL_SECONDS, "cross_encode"), span("cross-encode", kind=SpanKind.CLIENT):
                passages = await self._cross_encoder.rerank(searched.text, passages)
        return passages[:limit]

    async def unknown_names(self, scope: AuthorScope, question: str) -> tuple[int, int]:
        """How many of the names in the question occur nowhere in the author's passages, and how many it has.

        Raises: as `search`.
        """
        names = names_in(unicodedata.normalize("NFKC", question))
        terms = [self._encoding.terms_of_question(name) for name in names]
        wanted = sorted(set().union(*terms))
        with timed(RETRIEVAL_SECONDS, "names"), span("look up names", kind=SpanKind.CLIENT):
            known = await self._index.occurring(scope, wanted)
        return sum(not name_terms <= known for name_terms in terms), len(names)


def _count(kept: bool, dropped: bool) -> None:
    if kept:
        FILTERS.labels("kept").inc()
    if dropped:
        FILTERS.labels("dropped").inc()
