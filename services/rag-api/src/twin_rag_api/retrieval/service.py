"""A search from the question's text to the passages."""

import unicodedata

from opentelemetry.trace import SpanKind

from twin_common.telemetry import span
from twin_rag_api.auth import AuthorScope
from twin_rag_api.gen_ai import PROVIDER, operation
from twin_rag_api.metrics import RETRIEVAL_SECONDS, timed
from twin_rag_api.retrieval.context import neighbour_ids, widened, without_repeats
from twin_rag_api.retrieval.encoding import Encoding
from twin_rag_api.retrieval.hybrid_search import HybridSearch
from twin_rag_api.retrieval.late_interaction import LateInteraction
from twin_rag_api.retrieval.names import names_in
from twin_rag_api.retrieval.passages import EVERYTHING, Passage, SearchFilters, without_superseded
from twin_rag_api.retrieval.stretches import StretchPolicy, best_stretches

_CANDIDATES = 200
_CANDIDATES_A_PASSAGE = 10
"""Most of what is found stands beside something better, or says the same."""
_STRETCHES = StretchPolicy()


class Retrieval:
    """Encodes the question, searches, and returns what was found in its surroundings."""

    def __init__(
        self,
        encoding: Encoding,
        index: HybridSearch,
        late_interaction: LateInteraction | None = None,
        policy: StretchPolicy = _STRETCHES,
    ) -> None:
        self._encoding = encoding
        self._index = index
        self._late_interaction = late_interaction
        self._policy = policy

    async def search(
        self, scope: AuthorScope, question: str, limit: int, filters: SearchFilters = EVERYTHING
    ) -> list[Passage]:
        """The author's passages that fit the question best, best first.

        Raises:
            NotReady: the encoder or the collection is not there yet.
            ServerUnavailable: the vector index does not answer.
        """
        text = unicodedata.normalize("NFKC", question)
        with operation("retrieval", PROVIDER, "") as current:
            current.set("retrieval.limit", limit)
            encoding = operation("embeddings", PROVIDER, self._encoding.model_name)
            with timed(RETRIEVAL_SECONDS, "encode"), encoding:
                encoded = await self._encoding.question(text)
            with timed(RETRIEVAL_SECONDS, "search"), span("search index", kind=SpanKind.CLIENT):
                wanted = max(_CANDIDATES, _CANDIDATES_A_PASSAGE * limit)
                found = await self._index.search(
                    scope, encoded.dense, encoded.sparse, filters, wanted, collection=encoded.collection
                )
            current_ones = without_superseded(found)
            if self._late_interaction is not None:
                with timed(RETRIEVAL_SECONDS, "rerank"), span("compare words"):
                    current_ones = await self._late_interaction.compare(scope, encoded, current_ones)
            chosen = best_stretches(current_ones, self._policy, 2 * limit)
            with timed(RETRIEVAL_SECONDS, "widen"), span("read neighbours", kind=SpanKind.CLIENT):
                around = await self._index.chunks(scope, neighbour_ids(chosen), collection=encoded.collection)
            whole = [widened(stretch, around, self._policy) for stretch in chosen]
            passages = without_repeats(whole)[:limit]
            current.set("retrieval.passages", len(passages))
        return passages

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
