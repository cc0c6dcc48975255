"""One collection: a shard of Qdrant's embedded engine that takes and gives JSON."""

from __future__ import annotations  # some of the engine's types exist in its stubs only

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import qdrant_edge as edge

from .body import Json, count_of, fields, text_of
from .errors import RequestError, from_engine, not_found
from .filters import optional_filter, to_point_id, to_point_ids
from .groups import first_groups, group_ids, widen_prefetches
from .payload_indexes import to_index_schema
from .points import UPDATES, from_record, from_scored, to_updates, to_with_payload, to_with_vector
from .queries import DEFAULT_LIMIT, to_order_by, to_queries, to_query
from .schema import CollectionSchema

_GROUPED_ONLY = ("group_by", "group_size", "limit")
_DEFAULT_GROUP_SIZE = 3


@contextmanager
def _refusals() -> Iterator[None]:
    """The engine's exceptions as refusals of the request."""
    try:
        yield
    except RequestError:
        raise
    except Exception as error:
        raise from_engine(error) from error


class Collection:
    """A shard with its schema. Every method may be called from any thread.

    The engine locks for itself, and version 0.9 keeps Python's global lock during a call: two calls never run
    at the same moment, so there is nothing to order here.
    """

    def __init__(self, shard: edge.EdgeShard, schema: CollectionSchema) -> None:
        self.schema = schema
        self._shard = shard
        self._unflushed = True  # after a crash the write-ahead log was replayed, which is not flushed yet
        self._busy = False

    @classmethod
    def create(cls, folder: Path, schema: CollectionSchema) -> Self:
        """A new, empty collection in a folder that has none."""
        with _refusals():
            return cls(edge.EdgeShard.create(str(folder), schema.edge_config()), schema)

    @classmethod
    def load(cls, folder: Path, schema: CollectionSchema) -> Self:
        """The collection in the folder, with every write that was acknowledged."""
        return cls(edge.EdgeShard.load(str(folder), schema.edge_config()), schema)

    def close(self) -> None:
        """Make everything durable and let go of the folder."""
        self._shard.close()

    def maintain(self) -> None:
        """Make recent writes durable, which shortens the write-ahead log; in a pause, drop deleted points.

        To be called every few seconds. Dropping stops the process (0.2 s where 28,000 points stay), hence
        only after a period without writes; the engine does nothing until a fifth is deleted.
        """
        busy, self._busy = self._busy, False
        if self._unflushed:
            self._unflushed = False
            self._shard.flush()
        if not busy:
            self._unflushed = self._shard.optimize()

    def points_count(self) -> int:
        """How many points there are."""
        return self._shard.info().points_count

    def describe(self) -> Json:
        """The answer to `GET /collections/{name}`."""
        with _refusals():
            return self.schema.describe(self._shard.info())

    def update(self, kind: str, body: Json) -> None:
        """Apply one of `points.UPDATES`; once it returns, the write survives kill -9."""
        with _refusals():
            self._apply([UPDATES[kind](body, self.schema)])

    def update_batch(self, body: Json) -> int:
        """Apply several updates in order; gives their number."""
        with _refusals():
            operations = to_updates(body, self.schema)
            self._apply(operations)
            return len(operations)

    def create_index(self, body: Json) -> None:
        """Index a payload field."""
        request = fields(body, "an index", required=("field_name",), optional=("field_schema",))
        field = text_of(request["field_name"], "field_name")
        with _refusals():
            schema = to_index_schema(request.get("field_schema"))
            self._apply([edge.UpdateOperation.create_field_index(field, schema)])

    def delete_index(self, field: str) -> None:
        """Drop the index of a payload field, if there is one."""
        with _refusals():
            self._apply([edge.UpdateOperation.delete_field_index(field)])

    def _apply(self, operations: list[edge.UpdateOperation]) -> None:
        for operation in operations:
            self._shard.update(operation)
            self._unflushed = self._busy = True

    def retrieve(self, body: Json) -> Json:
        """`POST …/points`: the points with these ids that exist."""
        request = fields(body, "a retrieval", required=("ids",), optional=("with_payload", "with_vector"))
        with _refusals():
            records = self._shard.retrieve(
                to_point_ids(request["ids"]),
                to_with_payload(request.get("with_payload"), default=True),
                to_with_vector(request.get("with_vector"), self.schema),
            )
        return [from_record(record) for record in records]

    def retrieve_one(self, point_id: Json) -> Json:
        """`GET …/points/{id}`, with payload and vectors."""
        with _refusals():
            records = self._shard.retrieve([to_point_id(point_id)], True, True)
        if not records:
            raise not_found(f"Point with id {point_id} does not exists!")
        return from_record(records[0])

    def scroll(self, body: Json) -> Json:
        """`POST …/points/scroll`: a page of points by id, or by a payload value that has a range index."""
        request = fields(
            body,
            "a scroll",
            optional=("offset", "limit", "filter", "with_payload", "with_vector", "order_by"),
        )
        order = request.get("order_by")
        with _refusals():
            records, next_offset = self._shard.scroll(
                edge.ScrollRequest(
                    offset=to_point_id(request["offset"]) if "offset" in request else None,
                    limit=count_of(request.get("limit"), "limit", default=DEFAULT_LIMIT),
                    filter=optional_filter(request.get("filter")),
                    with_payload=to_with_payload(request.get("with_payload"), default=True),
                    with_vector=to_with_vector(request.get("with_vector"), self.schema),
                    order_by=None if order is None else to_order_by(order),
                )
            )
        return {"points": [from_record(record) for record in records], "next_page_offset": next_offset}

    def count(self, body: Json) -> Json:
        """`POST …/points/count`."""
        request = fields(body, "a count", optional=("filter", "exact"))
        with _refusals():
            count = self._shard.count(
                edge.CountRequest(request.get("exact", True), optional_filter(request.get("filter")))
            )
        return {"count": count}

    def facet(self, body: Json) -> Json:
        """`POST …/facet`: how many points have each value of an indexed field."""
        request = fields(body, "a facet", required=("key",), optional=("limit", "filter", "exact"))
        with _refusals():
            answer = self._shard.facet(
                edge.FacetRequest(
                    request["key"],
                    count_of(request.get("limit"), "limit", default=DEFAULT_LIMIT),
                    request.get("exact", False),
                    optional_filter(request.get("filter")),
                )
            )
        return {"hits": [{"value": hit.value, "count": hit.count} for hit in answer.hits]}

    def query(self, body: Json) -> Json:
        """`POST …/points/query`."""
        with _refusals():
            request = to_query(body, self.schema, self._stored_vector)
            return self._points(request, self._shard.query(request))

    def query_batch(self, body: Json) -> Json:
        """`POST …/points/query/batch`: the engine plans the queries together."""
        with _refusals():
            requests = [to_query(item, self.schema, self._stored_vector) for item in to_queries(body)]
            answers = self._shard.query_batch(edge.QueryBatchRequest(requests))
            return [self._points(request, found) for request, found in zip(requests, answers, strict=True)]

    def query_groups(self, body: Json) -> Json:
        """`POST …/points/query/groups`: the best points of each of the best groups.

        Searches are exact, so asking for more and more of the ranking until the groups are filled gives what
        looking at the whole ranking would.
        """
        request = fields(body, "a grouped query", required=("group_by",), optional=body)
        path = text_of(request["group_by"], "group_by")
        limit = count_of(request.get("limit"), "limit", default=DEFAULT_LIMIT)
        group_size = count_of(request.get("group_size"), "group_size", default=_DEFAULT_GROUP_SIZE)
        ranking = {name: content for name, content in request.items() if name not in _GROUPED_ONLY}
        ranking["prefetch"] = widen_prefetches(request.get("prefetch"), group_size)
        ranking |= {"with_payload": [path.partition(".")[0].removesuffix("[]")], "with_vector": False}
        depth = limit * group_size
        while True:
            ranked = self.query({**ranking, "limit": depth})["points"]
            members = [group_ids(point["payload"], path) for point in ranked]
            groups, complete = first_groups(members, limit=limit, group_size=group_size)
            if complete or len(ranked) < depth:
                break
            depth *= 4
        grouped = {group: [ranked[position] for position in positions] for group, positions in groups.items()}
        content = self._content([hit["id"] for hits in grouped.values() for hit in hits], request)
        return {
            "groups": [
                {"id": group, "hits": [{**hit, **content[hit["id"]]} for hit in hits if hit["id"] in content]}
                for group, hits in grouped.items()
            ]
        }

    def _content(
        self, ids: list[edge.PointId], request: dict[str, Json]
    ) -> dict[edge.PointId, dict[str, Json]]:
        """What the request wants to see of these points: payload and vector."""
        with _refusals():
            records = self._shard.retrieve(
                ids,
                to_with_payload(request.get("with_payload"), default=False),
                to_with_vector(request.get("with_vector"), self.schema),
            )
        return {record.id: {"payload": record.payload, "vector": record.vector} for record in records}

    def _points(self, request: edge.QueryRequest, found: list[edge.ScoredPoint]) -> Json:
        with_vector = request.with_vector is not False
        return {"points": [from_scored(scored, with_vector=with_vector) for scored in found]}

    def _stored_vector(self, point_id: edge.PointId, name: str) -> edge.NamedVector:
        records = self._shard.retrieve([point_id], False, [name])
        if not records:
            raise not_found(f"No point with id {point_id} found")
        vectors = records[0].vector
        vector = vectors.get(name) if isinstance(vectors, dict) else vectors
        if not vector:
            raise not_found(f"Vector with name '{name}' for point {point_id} not found")
        return vector
