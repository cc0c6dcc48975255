"""A search from the question's text to the passages."""

import unicodedata

from opentelemetry.trace import SpanKind

from twin_common.telemetry import span
from twin_rag_api.auth import AuthorScope
from twin_rag_api.gen_ai import PROVIDER, operation
from twin_rag_api.metrics import RETRIEVAL_SECONDS, timed
from twin_rag_api.retrieval.context import (
    ContextPolicy,
    apart,
    neighbour_ids,
    widened,
    without_repeats,
)
from twin_rag_api.retrieval.encoding import Encoding
from twin_rag_api.retrieval.hybrid_search import HybridSearch
from twin_rag_api.retrieval.names import names_in
from twin_rag_api.retrieval.passages import EVERYTHING, Passage, SearchFilters, without_superseded

_CANDIDATES = 20
_CANDIDATES_A_PASSAGE = 8
"""Most of what is found stands beside something better, or says the same."""
_CONTEXT = ContextPolicy()


class Retrieval:
    """Encodes the question, searches, and returns what was found in its surroundings."""

    def __init__(self, encoding: Encoding, index: HybridSearch, context: ContextPolicy = _CONTEXT) -> None:
        self._encoding = encoding
        self._index = index
        self._context = context

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
                wanted = _CANDIDATES_A_PASSAGE * limit + _CANDIDATES
                found = await self._index.search(
                    scope, encoded.dense, encoded.sparse, filters, wanted, collection=encoded.collection
                )
            chosen = apart(without_superseded(found), self._context, 2 * limit)
            with timed(RETRIEVAL_SECONDS, "widen"), span("read neighbours", kind=SpanKind.CLIENT):
                wider = neighbour_ids(chosen, self._context)
                around = await self._index.chunks(scope, wider, collection=encoded.collection)
            whole = [widened(passage, around, self._context) for passage in chosen]
            passages = without_repeats(whole, self._context)[:limit]
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
