"""Meaning and words in one query of the vector index.

Measured by bench/retrieval.py: the cosine, plus a little for a BM25 score above a floor, is nowhere worse
than the cosine alone, and far better on names and codes. Rank fusion harms paraphrased questions: there the
list of words speaks as loudly as ever although it has nothing to say, while its scores do not pass the floor.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qdrant_client import AsyncQdrantClient, models

from twin_common.documents import Chunk
from twin_common.embedding import SparseVector
from twin_common.vector_index import BM25, CHUNKS, DENSE, WORDS
from twin_rag_api.auth import AuthorScope
from twin_rag_api.index import answered
from twin_rag_api.retrieval.passages import Passage, SearchFilters

_WITHOUT_WORDS = models.PayloadSelectorExclude(exclude=[WORDS])


@dataclass(frozen=True)
class FusionPolicy:
    """score = cosine + bm25_weight · (BM25 score, between floor and cap, less the floor)."""

    bm25_weight: float = 0.012
    bm25_floor: float = 5.0
    """What passages of a fitting theme reach by common words alone."""
    bm25_cap: float = 25.0
    """So that a question of a thousand words is not decided by words alone."""


class HybridSearch:
    """Searches one author's chunks; there is no other way to search."""

    def __init__(self, client: AsyncQdrantClient, policy: FusionPolicy = FusionPolicy()) -> None:
        self._client = client
        self._policy = policy

    async def search(
        self,
        scope: AuthorScope,
        dense: list[float],
        sparse: SparseVector,
        filters: SearchFilters,
        limit: int,
        *,
        collection: str = CHUNKS,
    ) -> list[Passage]:
        """The author's best passages, best first.

        Args:
            scope: whose passages.
            dense: the question's vector, of length 1.
            sparse: the question's words.
            filters: which of the author's passages.
            limit: how many at most.
            collection: whose vectors `dense` may be compared with.

        Raises:
            NotReady: the collection does not exist yet.
            ServerUnavailable: the vector index does not answer.
        """
        mine = _condition(scope, filters)
        prefetch, query = fused_query(dense, sparse, mine, _corpus(scope), self._policy, candidates=limit)
        request = self._client.query_points(
            collection,
            prefetch=prefetch,
            query=query,
            query_filter=mine,
            limit=limit,
            with_payload=_WITHOUT_WORDS,
        )
        response = await answered(request, collection)
        chunks = [Chunk.model_validate(point.payload) for point in response.points]
        return [
            Passage(chunk, point.score, chunk.text)
            for chunk, point in zip(chunks, response.points, strict=True)
        ]

    async def chunks(
        self, scope: AuthorScope, point_ids: Sequence[str], *, collection: str = CHUNKS
    ) -> dict[tuple[str, int], Chunk]:
        """The author's chunks at these points, by document id and chunk index.

        Raises: as `search`.
        """
        payloads = await self._payloads(scope, point_ids, _WITHOUT_WORDS, collection)
        chunks = [Chunk.model_validate(payload) for payload in payloads]
        return {(chunk.document_id, chunk.chunk_index): chunk for chunk in chunks}

    async def words(
        self, scope: AuthorScope, point_ids: Sequence[str], *, collection: str = CHUNKS
    ) -> dict[str, str]:
        """The packed words of the author's chunks at these points, by the hash of their text.

        A chunk that an older pipeline indexed has none.

        Raises: as `search`.
        """
        payloads = await self._payloads(scope, point_ids, ["text_hash", WORDS], collection)
        return {payload["text_hash"]: payload[WORDS] for payload in payloads if WORDS in payload}

    async def _payloads(
        self,
        scope: AuthorScope,
        point_ids: Sequence[str],
        fields: list[str] | models.PayloadSelectorExclude,
        collection: str,
    ) -> list[dict[str, Any]]:
        if not point_ids:
            return []
        these = models.HasIdCondition(has_id=list(point_ids))
        mine = models.Filter(must=[_equals("author_id", scope.author_id), these])
        request = self._client.scroll(
            collection, scroll_filter=mine, limit=len(point_ids), with_payload=fields
        )
        points, _ = await answered(request, collection)
        return [point.payload or {} for point in points]

    async def occurring(self, scope: AuthorScope, terms: Sequence[int]) -> set[int]:
        """Which of these BM25 terms occur anywhere in the author's passages.

        Raises: as `search`.
        """
        requests = [
            models.QueryRequest(
                query=models.SparseVector(indices=[term], values=[1.0]),
                using=BM25,
                filter=_corpus(scope),
                limit=1,
            )
            for term in terms
        ]
        if not requests:
            return set()
        responses = await answered(self._client.query_batch_points(CHUNKS, requests), CHUNKS)
        return {term for term, response in zip(terms, responses, strict=True) if response.points}


def fused_query(
    dense: list[float],
    sparse: SparseVector,
    condition: models.Filter,
    corpus: models.Filter,
    policy: FusionPolicy,
    *,
    candidates: int,
) -> tuple[list[models.Prefetch], models.Query]:
    """So many candidates by cosine and as many by BM25; every one of them is scored by both.

    How rare a word is, is counted over `corpus`, so that one author's texts never sway another's answers.
    """
    words = models.SparseVector(indices=sparse.indices, values=sparse.values)
    rarity = models.SearchParams(idf=models.IdfCorpusParams(corpus=corpus))
    by_words = models.Prefetch(query=words, using=BM25, filter=condition, params=rarity, limit=candidates)
    by_meaning = models.Prefetch(query=dense, using=DENSE, filter=condition, limit=candidates)
    cosine_of_all = models.Prefetch(
        query=dense,
        using=DENSE,
        filter=condition,
        prefetch=[by_meaning, by_words],
        limit=2 * candidates,
    )
    capped = models.MinExpression(min=["$score[1]", policy.bm25_cap])
    above_floor = models.MaxExpression(max=[0.0, models.SumExpression(sum=[capped, -policy.bm25_floor])])
    bonus = models.MultExpression(mult=[policy.bm25_weight, above_floor])
    formula = models.FormulaQuery(
        formula=models.SumExpression(sum=["$score[0]", bonus]), defaults={"$score[0]": 0.0, "$score[1]": 0.0}
    )
    return [cosine_of_all, by_words], formula


def _corpus(scope: AuthorScope) -> models.Filter:
    return models.Filter(must=[_equals("author_id", scope.author_id)])


def _condition(scope: AuthorScope, filters: SearchFilters) -> models.Filter:
    wanted = {
        "category": filters.category.value if filters.category else None,
        "platform": filters.platform,
        "language": filters.language,
        "document_id": filters.document_id,
    }
    must: list[models.Condition] = [_equals("author_id", scope.author_id)]
    must += [_equals(key, value) for key, value in wanted.items() if value is not None]
    if filters.published_after or filters.published_before:
        between = models.DatetimeRange(gte=filters.published_after, lt=filters.published_before)
        must.append(models.FieldCondition(key="published_at", range=between))
    return models.Filter(must=must)


def _equals(key: str, value: str) -> models.FieldCondition:
    return models.FieldCondition(key=key, match=models.MatchValue(value=value))
