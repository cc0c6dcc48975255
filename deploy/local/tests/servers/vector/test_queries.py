"""Scrolls and queries through the server answer as the in-memory mode of qdrant-client does.

Where the two are known to differ the real Qdrant counts, and the test says so.
"""

import random
from typing import Any

import pytest
from qdrant_client import models

SIZE = 8
COUNT = 60


def query_vector(seed: int) -> list[float]:
    dice = random.Random(seed)
    return [dice.gauss(0, 1) for _ in range(SIZE)]


def field(key: str, **condition: Any) -> models.FieldCondition:
    return models.FieldCondition(key=key, **condition)


def value(content: Any) -> models.MatchValue:
    return models.MatchValue(value=content)


BY_ADA = models.Filter(must=[field("author_id", match=value("ada"))])
SPARSE_QUERY = models.SparseVector(indices=[2, 5, 11, 17, 23], values=[1.0] * 5)


FILTERS = {
    "value": BY_ADA,
    "boolean": models.Filter(must=[field("code", match=value(True))]),
    "any": models.Filter(must=[field("author_id", match=models.MatchAny(any=["ada", "linus"]))]),
    "any of none": models.Filter(must=[field("author_id", match=models.MatchAny(any=[]))]),
    "except": models.Filter(must=[field("version", match=models.MatchExcept(**{"except": [0, 1]}))]),
    "range": models.Filter(must=[field("version", range=models.Range(lt=3, gte=1))]),
    "float range": models.Filter(must=[field("score", range=models.Range(gt=2.5, lte=9.75))]),
    "dates": models.Filter(
        must=[
            field(
                "published_at",
                range=models.DatetimeRange(gte="2024-03-01T00:00:00Z", lt="2024-06-15T12:00:00+02:00"),
            )
        ]
    ),
    "is empty": models.Filter(must=[models.IsEmptyCondition(is_empty=models.PayloadField(key="tags"))]),
    "is null": models.Filter(must=[models.IsNullCondition(is_null=models.PayloadField(key="tags"))]),
    "has id": models.Filter(must=[models.HasIdCondition(has_id=[3, 5, 999])]),
    "has vector": models.Filter(must=[models.HasVectorCondition(has_vector="dense")]),
    "in a list": models.Filter(must=[field("tags", match=value("tag-3"))]),
    "count of values": models.Filter(must=[field("tags", values_count=models.ValuesCount(gte=2))]),
    "path into a list": models.Filter(must=[field("links[].rank", match=value(3))]),
    "nested": models.Filter(
        must=[
            models.NestedCondition(
                nested=models.Nested(
                    key="links",
                    filter=models.Filter(
                        must=[field("kind", match=value("site")), field("rank", match=value(2))]
                    ),
                )
            )
        ]
    ),
    "should": models.Filter(
        should=[field("version", match=value(1)), field("author_id", match=value("grace"))]
    ),
    "must not": models.Filter(must_not=[field("author_id", match=value("ada"))]),
    "min should": models.Filter(
        min_should=models.MinShould(
            conditions=[
                field("version", match=value(1)),
                field("author_id", match=value("grace")),
                field("code", match=value(True)),
            ],
            min_count=2,
        )
    ),
    "a filter in a filter": models.Filter(
        must=[
            BY_ADA,
            models.Filter(should=[field("version", match=value(1)), field("version", match=value(2))]),
        ]
    ),
}


class TestScroll:
    async def test_pages_cover_every_point_once(self, stored: Any) -> None:
        seen: list[Any] = []
        offset = None
        while True:
            page, offset = await stored.same(
                lambda client, offset=offset: client.scroll(
                    stored.name, scroll_filter=BY_ADA, limit=7, offset=offset, with_payload=["version"]
                )
            )
            seen += [point.id for point in page]
            if offset is None:
                break
        assert seen == list(range(0, COUNT, 3))

    @pytest.mark.parametrize("direction", [models.Direction.ASC, models.Direction.DESC])
    async def test_in_the_order_of_a_field(self, stored: Any, direction: models.Direction) -> None:
        order = models.OrderBy(key="score", direction=direction, start_from=5.0)
        page, offset = await stored.same(lambda client: client.scroll(stored.name, order_by=order, limit=9))
        assert offset is None
        assert len(page) == 9

    @pytest.mark.parametrize("name", FILTERS)
    async def test_filters(self, stored: Any, name: str) -> None:
        await stored.same(
            lambda client: client.scroll(
                stored.name, scroll_filter=FILTERS[name], limit=COUNT, with_payload=False
            )
        )
        await stored.same(lambda client: client.count(stored.name, count_filter=FILTERS[name], exact=True))

    async def test_text_is_matched_by_words(self, stored: Any) -> None:
        # The in-memory mode looks for a substring; Qdrant for words, once the field has a text index.
        await stored.server.create_payload_index(
            stored.name, "title", models.TextIndexParams(type=models.TextIndexType.TEXT, lowercase=True)
        )
        condition = models.Filter(must=[field("title", match=models.MatchText(text="NUMBER 7"))])
        found, _ = await stored.server.scroll(stored.name, scroll_filter=condition)
        assert [point.id for point in found] == [7]


class TestQuery:
    @pytest.mark.parametrize("name", FILTERS)
    async def test_dense_with_filter(self, stored: Any, name: str) -> None:
        await stored.same(
            lambda client: client.query_points(
                stored.name, query=query_vector(1), using="dense", query_filter=FILTERS[name], limit=5
            )
        )

    async def test_sparse_weighs_rare_terms_more(self, stored: Any) -> None:
        found = await stored.same(
            lambda client: client.query_points(
                stored.name,
                query=SPARSE_QUERY,
                using="bm25",
                query_filter=BY_ADA,
                limit=10,
                with_payload=["title"],
            )
        )
        assert found.points

    async def test_threshold_and_offset(self, stored: Any) -> None:
        found = await stored.same(
            lambda client: client.query_points(
                stored.name, query=query_vector(2), using="dense", score_threshold=0.2, offset=2, limit=50
            )
        )
        assert 0 < len(found.points) < COUNT
        assert all(point.score >= 0.2 for point in found.points)

    @pytest.mark.parametrize(
        "fusion",
        [
            models.FusionQuery(fusion=models.Fusion.RRF),
            models.FusionQuery(fusion=models.Fusion.DBSF),
            models.RrfQuery(rrf=models.Rrf(k=60)),
            models.RrfQuery(rrf=models.Rrf(k=60, weights=[1.0, 0.3])),
        ],
    )
    async def test_dense_and_sparse_fused(self, stored: Any, fusion: Any) -> None:
        prefetch = [
            models.Prefetch(query=query_vector(3), using="dense", filter=BY_ADA, limit=15),
            models.Prefetch(query=SPARSE_QUERY, using="bm25", filter=BY_ADA, limit=15),
        ]
        found = await stored.same(
            lambda client: client.query_points(
                stored.name,
                prefetch=prefetch,
                query=fusion,
                limit=30,
                with_payload=["author_id"],
                with_vectors=["dense"],
            )
        )
        assert len(found.points) > 10
        assert {point.payload["author_id"] for point in found.points} == {"ada"}

    async def test_cosine_with_a_capped_bonus_for_words(self, stored: Any) -> None:
        """The platform's own query: word statistics of one author, every candidate scored by both."""
        words = models.Prefetch(
            query=SPARSE_QUERY,
            using="bm25",
            filter=BY_ADA,
            params=models.SearchParams(idf=models.IdfCorpusParams(corpus=BY_ADA)),
            limit=10,
        )
        meaning = models.Prefetch(query=query_vector(3), using="dense", filter=BY_ADA, limit=10)
        cosine_of_all = models.Prefetch(
            query=query_vector(3), using="dense", filter=BY_ADA, prefetch=[meaning, words], limit=20
        )
        bonus = models.MultExpression(mult=[0.1, models.MinExpression(min=["$score[1]", 2.0])])
        formula = models.FormulaQuery(
            formula=models.SumExpression(sum=["$score[0]", bonus]),
            defaults={"$score[0]": 0.0, "$score[1]": 0.0},
        )
        found = await stored.same(
            lambda client: client.query_points(
                stored.name,
                prefetch=[cosine_of_all, words],
                query=formula,
                query_filter=BY_ADA,
                limit=8,
                with_payload=True,
            )
        )
        assert len(found.points) == 8

    @pytest.mark.parametrize(
        "query",
        [
            models.NearestQuery(
                nearest=query_vector(9), mmr=models.Mmr(diversity=0.4, candidates_limit=COUNT)
            ),
            models.DiscoverQuery(
                discover=models.DiscoverInput(
                    target=query_vector(1),
                    context=[models.ContextPair(positive=2, negative=query_vector(4))],
                )
            ),
            models.ContextQuery(context=[models.ContextPair(positive=query_vector(2), negative=5)]),
        ],
        ids=["diverse", "discover", "context"],
    )
    async def test_other_ways_to_score(self, stored: Any, query: Any) -> None:
        await stored.same(
            lambda client: client.query_points(stored.name, query=query, using="dense", limit=COUNT)
        )

    async def test_nested_prefetch_reranks(self, stored: Any) -> None:
        inner = models.Prefetch(query=SPARSE_QUERY, using="bm25", limit=20)
        outer = models.Prefetch(prefetch=[inner], query=query_vector(4), using="dense", limit=10)
        await stored.same(
            lambda client: client.query_points(
                stored.name, prefetch=[outer], query=query_vector(5), using="dense", limit=5
            )
        )

    async def test_formula_over_the_score_and_the_payload(self, stored: Any) -> None:
        boosted = models.FormulaQuery(
            formula=models.SumExpression(
                sum=[
                    "$score",
                    models.MultExpression(mult=[0.5, field("code", match=value(True))]),
                    models.GaussDecayExpression(
                        gauss_decay=models.DecayParamsExpression(
                            x=models.DatetimeKeyExpression(datetime_key="published_at"),
                            target=models.DatetimeExpression(datetime="2024-06-01T00:00:00Z"),
                            scale=86400.0 * 60,
                        )
                    ),
                ]
            )
        )
        await stored.same(
            lambda client: client.query_points(
                stored.name,
                prefetch=models.Prefetch(query=query_vector(6), using="dense", limit=20),
                query=boosted,
                limit=6,
            )
        )

    async def test_the_vector_of_a_stored_point(self, stored: Any) -> None:
        found = await stored.same(
            lambda client: client.query_points(stored.name, query=7, using="dense", limit=5)
        )
        assert 7 not in [point.id for point in found.points]

    @pytest.mark.parametrize("strategy", list(models.RecommendStrategy))
    async def test_recommendation(self, stored: Any, strategy: models.RecommendStrategy) -> None:
        examples = models.RecommendInput(positive=[1, query_vector(2)], negative=[4], strategy=strategy)
        await stored.same(
            lambda client: client.query_points(
                stored.name, query=models.RecommendQuery(recommend=examples), using="dense", limit=5
            )
        )

    async def test_order_by(self, stored: Any) -> None:
        found = await stored.server.query_points(
            stored.name, query=models.OrderByQuery(order_by="score"), query_filter=BY_ADA, limit=4
        )
        assert [point.id for point in found.points] == [0, 3, 6, 9]

    async def test_several_queries_in_one_request(self, stored: Any) -> None:
        requests = [
            models.QueryRequest(query=query_vector(1), using="dense", limit=3, with_payload=["title"]),
            models.QueryRequest(query=SPARSE_QUERY, using="bm25", filter=BY_ADA, limit=4),
        ]
        answers = await stored.same(lambda client: client.query_batch_points(stored.name, requests))
        assert [len(answer.points) for answer in answers] == [3, 4]

    async def test_the_best_points_of_each_document(self, stored: Any) -> None:
        found = await stored.same(
            lambda client: client.query_points_groups(
                stored.name,
                group_by="document_id",
                query=query_vector(8),
                using="dense",
                query_filter=BY_ADA,
                limit=5,
                group_size=2,
                with_payload=["title"],
                with_vectors=True,
            )
        )
        assert len(found.groups) == 5

    @pytest.mark.parametrize("key", ["author_id", "version", "code"])
    async def test_facet(self, stored: Any, key: str) -> None:
        await stored.same(lambda client: client.facet(stored.name, key, facet_filter=None, exact=True))
        await stored.same(
            lambda client: client.facet(stored.name, key, facet_filter=BY_ADA, limit=2, exact=True)
        )
