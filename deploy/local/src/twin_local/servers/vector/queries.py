"""Queries: JSON to the engine's query plan."""

from __future__ import annotations  # some of the engine's types exist in its stubs only

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import qdrant_edge as edge

from .body import Json, count_of, fields, list_of, one_or_many, only_entry, text_of
from .errors import invalid, wrong_input
from .expressions import to_expression
from .filters import optional_filter, to_filter, to_point_id, without_points
from .points import to_vector, to_with_payload, to_with_vector
from .schema import UNNAMED, CollectionSchema

DEFAULT_LIMIT = 10
_RRF_K = 2  # Qdrant's own, where a request names none
_STAGE = ("prefetch", "query", "using", "filter", "params", "score_threshold", "limit")
_REQUEST = (*_STAGE, "offset", "with_vector", "with_payload")

StoredVector = Callable[["edge.PointId", str], "edge.NamedVector"]
"""The stored vector of a point, by id and vector name; RequestError 404 if there is none."""


@dataclass(frozen=True)
class _Stage:
    """One level of a query: the whole request or one prefetch."""

    schema: CollectionSchema
    stored_vector: StoredVector
    using: str
    limit: int
    examples: set[edge.PointId]
    """Points whose vectors the query borrowed; as in Qdrant they are not part of its answer."""

    def vector(self, value: Json) -> edge.NamedVector:
        if isinstance(value, int | str) and not isinstance(value, bool):
            point_id = to_point_id(value)
            self.examples.add(point_id)
            return self.stored_vector(point_id, self.schema.require(self.using))
        return to_vector(value, self.using, self.schema)

    def vectors(self, value: Json) -> list[edge.NamedVector]:
        return [self.vector(item) for item in one_or_many(value)]


def to_query(body: Json, schema: CollectionSchema, stored_vector: StoredVector) -> edge.QueryRequest:
    """The body of `POST …/points/query`.

    Raises RequestError: 400 for a query that this server lacks, 404 for an example point that is not there,
    422 for a malformed body.
    """
    request = fields(body, "a query", optional=_REQUEST)
    plan = _stage(request, schema, stored_vector)
    return edge.QueryRequest(
        **plan,
        offset=count_of(request.get("offset"), "offset", default=0, least=0),
        with_vector=to_with_vector(request.get("with_vector"), schema),
        with_payload=to_with_payload(request.get("with_payload"), default=False),
    )


def _stage(request: dict[str, Json], schema: CollectionSchema, stored_vector: StoredVector) -> dict[str, Any]:
    limit = count_of(request.get("limit"), "limit", default=DEFAULT_LIMIT)
    stage = _Stage(schema, stored_vector, request.get("using", UNNAMED), limit, set())
    query = _scoring(request["query"], stage) if "query" in request else None
    prefetches = [
        edge.Prefetch(**_stage(fields(item, "a prefetch", optional=_STAGE), schema, stored_vector))
        for item in one_or_many(request.get("prefetch"))
    ]
    return {
        "limit": limit,
        "query": query,
        "prefetches": prefetches,
        "filter": without_points(optional_filter(request.get("filter")), stage.examples),
        "score_threshold": request.get("score_threshold"),
        "params": _params(request["params"]) if "params" in request else None,
    }


def _scoring(value: Json, stage: _Stage) -> edge.ScoringQueryType:
    if not isinstance(value, Mapping) or "indices" in value:
        return edge.Query.Nearest(stage.vector(value), stage.using)
    kind = next((name for name in value if name in _SCORINGS), None)
    if kind is None:
        raise wrong_input(f"the local vector server has no query of the form {{{', '.join(value)}}}")
    scoring: edge.ScoringQueryType = _SCORINGS[kind](value, stage)
    return scoring


def _nearest(value: Json, stage: _Stage) -> edge.ScoringQueryType:
    query = fields(value, "a nearest query", required=("nearest",), optional=("mmr",))
    vector = stage.vector(query["nearest"])
    if "mmr" not in query:
        return edge.Query.Nearest(vector, stage.using)
    mmr = fields(query["mmr"], "mmr", optional=("diversity", "candidates_limit"))
    candidates = count_of(mmr.get("candidates_limit"), "candidates_limit", default=stage.limit)
    return edge.Mmr(vector, 1.0 - mmr.get("diversity", 0.5), candidates, stage.using)


def _recommend(value: Json, stage: _Stage) -> edge.ScoringQueryType:
    query = fields(value["recommend"], "recommend", optional=("positive", "negative", "strategy"))
    positive, negative = stage.vectors(query.get("positive")), stage.vectors(query.get("negative"))
    strategy = query.get("strategy", "average_vector")
    if strategy == "best_score":
        return edge.Query.RecommendBestScore(edge.RecommendQuery(positive, negative), stage.using)
    if strategy == "sum_scores":
        return edge.Query.RecommendSumScores(edge.RecommendQuery(positive, negative), stage.using)
    if strategy != "average_vector":
        raise wrong_input(f"recommend has no strategy {strategy!r}")
    return edge.Query.Nearest(_average_of_examples(positive, negative), stage.using)


def _average_of_examples(positive: list[Any], negative: list[Any]) -> list[float]:
    """Qdrant's `average_vector`: the mean of the positive examples, moved away from that of the negative."""
    if not positive:
        raise wrong_input("At least one positive vector ID required with this strategy")
    if not all(
        isinstance(vector, list) and not isinstance(vector[0], list) for vector in positive + negative
    ):
        raise wrong_input("the local vector server averages dense vectors only: use best_score or sum_scores")
    wanted = [sum(column) / len(positive) for column in zip(*positive, strict=True)]
    if not negative:
        return wanted
    unwanted = [sum(column) / len(negative) for column in zip(*negative, strict=True)]
    return [2 * plus - minus for plus, minus in zip(wanted, unwanted, strict=True)]


def _context_pairs(value: Json, stage: _Stage) -> list[edge.ContextPair]:
    pairs = [fields(pair, "a context pair", required=("positive", "negative")) for pair in one_or_many(value)]
    return [
        edge.ContextPair(stage.vector(pair["positive"]), stage.vector(pair["negative"])) for pair in pairs
    ]


def _discover(value: Json, stage: _Stage) -> edge.ScoringQueryType:
    query = fields(value["discover"], "discover", required=("target", "context"))
    target = stage.vector(query["target"])
    return edge.Query.Discover(
        edge.DiscoverQuery(target, _context_pairs(query["context"], stage)), stage.using
    )


def _context(value: Json, stage: _Stage) -> edge.ScoringQueryType:
    return edge.Query.Context(edge.ContextQuery(_context_pairs(value["context"], stage)), stage.using)


def to_order_by(value: Json) -> edge.OrderBy:
    """`order_by`: a payload key, or an object with key, direction and start_from."""
    if isinstance(value, str):
        return edge.OrderBy(value)
    order = fields(value, "order_by", required=("key",), optional=("direction", "start_from"))
    directions = {"asc": edge.Direction.Asc, "desc": edge.Direction.Desc}
    direction = order.get("direction", "asc")
    if direction not in directions:
        raise wrong_input(f"direction {direction!r} is not one of asc, desc")
    return edge.OrderBy(text_of(order["key"], "key"), directions[direction], order.get("start_from"))


def _fusion(value: Json, _stage: _Stage) -> Any:
    fusion = fields(value, "a fusion query", required=("fusion",))["fusion"]
    if fusion == "rrf":
        return edge.Fusion.Rrf(_RRF_K)
    if fusion == "dbsf":
        return edge.Fusion.Dbsf()
    raise wrong_input(f"fusion {fusion!r} is not one of rrf, dbsf")


def _rrf(value: Json, _stage: _Stage) -> Any:
    rrf = fields(value["rrf"], "rrf", optional=("k", "weights"))
    return edge.Fusion.Rrf(count_of(rrf.get("k"), "k", default=_RRF_K), rrf.get("weights"))


def _formula(value: Json, _stage: _Stage) -> edge.ScoringQueryType:
    formula = fields(value, "a formula query", required=("formula",), optional=("defaults",))
    return edge.Formula(to_expression(formula["formula"]), formula.get("defaults", {}))


def _sample(value: Json, _stage: _Stage) -> edge.ScoringQueryType:
    if value["sample"] != "random":
        raise wrong_input(f"sample {value['sample']!r} is not random")
    return edge.Sample.Random


_SCORINGS: dict[str, Callable[[Json, _Stage], Any]] = {
    "nearest": _nearest,
    "recommend": _recommend,
    "discover": _discover,
    "context": _context,
    "order_by": lambda value, _stage: to_order_by(value["order_by"]),
    "fusion": _fusion,
    "rrf": _rrf,
    "formula": _formula,
    "sample": _sample,
}


def _params(value: Json) -> edge.SearchParams:
    params = fields(
        value, "params", optional=("hnsw_ef", "exact", "quantization", "indexed_only", "acorn", "idf")
    )
    # Dense searches are exact here: hnsw_ef, quantization, indexed_only and acorn have nothing to tune.
    return edge.SearchParams(
        exact=params.get("exact", False), idf=_idf(params["idf"]) if "idf" in params else None
    )


def _idf(value: Json) -> edge.IdfParams:
    """The points that the sparse vectors' document frequencies are counted over."""
    if value == "global":
        return edge.IdfParams()
    kind, corpus = only_entry(value, "idf")
    if kind != "corpus":
        raise invalid("idf must be `global` or name a `corpus`")
    return edge.IdfParams(to_filter(corpus))


def to_queries(body: Json) -> list[Json]:
    """The bodies in a `POST …/points/query/batch`."""
    return list_of(fields(body, "a batch of queries", required=("searches",))["searches"], "searches")
