"""Points: JSON to what the engine stores, and records back to JSON."""

from __future__ import annotations  # some of the engine's types exist in its stubs only

from collections.abc import Callable, Mapping
from typing import Any

import qdrant_edge as edge

from .body import Json, fields, list_of, only_entry, text_of
from .errors import invalid, wrong_input
from .filters import optional_filter, to_filter, to_point_id, to_point_ids
from .schema import UNNAMED, CollectionSchema

_UPDATE_MODES = {
    "upsert": edge.UpdateMode.Upsert,
    "insert_only": edge.UpdateMode.InsertOnly,
    "update_only": edge.UpdateMode.UpdateOnly,
}


def to_sparse(value: Mapping[str, Json]) -> edge.SparseVector:
    """`{"indices": […], "values": […]}`, of equal length and with no index twice."""
    vector = fields(value, "a sparse vector", required=("indices", "values"))
    indices, values = list_of(vector["indices"], "indices"), list_of(vector["values"], "values")
    if len(indices) != len(values):
        raise invalid("values: must be the same length as indices")
    if len(set(indices)) != len(indices):
        raise invalid("indices: must be unique")
    return edge.SparseVector(indices, values)


def to_vector(value: Json, name: str, schema: CollectionSchema) -> edge.NamedVector:
    """One vector as the collection's vector `name` takes it: dense, several dense, or sparse."""
    schema.require(name)
    if name in schema.sparse:
        if not isinstance(value, Mapping):
            raise wrong_input(f"the vector `{name}` is sparse: give indices and values")
        return to_sparse(value)
    dense = schema.dense[name]
    rows = value if dense.multiple else [value]
    if not isinstance(rows, list) or not rows:
        raise wrong_input(f"the vector `{name}` is a list of vectors: give at least one")
    for row in rows:
        if not isinstance(row, list):
            raise wrong_input(
                f"the vector `{name}` is a list of numbers; the local vector server computes no embeddings"
            )
        if len(row) != dense.size:
            raise wrong_input(f"Vector dimension error: expected dim: {dense.size}, got {len(row)}")
    vector: edge.NamedVector = value
    return vector


def _to_vectors(value: Json, schema: CollectionSchema) -> edge.Vector:
    if isinstance(value, Mapping):
        return {name: to_vector(vector, name, schema) for name, vector in value.items()}
    return to_vector(value, UNNAMED, schema)  # type: ignore[return-value]  # the unnamed vector is never sparse


def _to_point(value: Json, schema: CollectionSchema) -> edge.Point:
    point = fields(value, "a point", required=("id", "vector"), optional=("payload",))
    return edge.Point(to_point_id(point["id"]), _to_vectors(point["vector"], schema), point.get("payload"))


def _rows_of_batch(value: Json) -> list[Json]:
    """The columns of a batch as the points they stand for."""
    batch = fields(value, "batch", required=("ids", "vectors"), optional=("payloads",))
    ids = list_of(batch["ids"], "ids")
    columns = batch["vectors"]
    if isinstance(columns, Mapping):
        for name, column in columns.items():
            _same_length(ids, column, f"vectors.{name}")
        vectors: list[Json] = [
            {name: column[row] for name, column in columns.items() if column[row] is not None}
            for row in range(len(ids))
        ]
    else:
        vectors = _same_length(ids, columns, "vectors")
    payloads = _same_length(ids, batch.get("payloads", [None] * len(ids)), "payloads")
    return [
        {"id": point_id, "vector": vector, "payload": payload}
        for point_id, vector, payload in zip(ids, vectors, payloads, strict=True)
    ]


def _same_length(ids: list[Json], column: Json, what: str) -> list[Json]:
    if len(list_of(column, what)) != len(ids):
        raise invalid(f"{what}: {len(column)} entries for {len(ids)} ids")
    return list(column)


def _upsert(body: Json, schema: CollectionSchema) -> edge.UpdateOperation:
    request = fields(body, "an upsert", optional=("points", "batch", "update_filter", "update_mode"))
    if ("points" in request) == ("batch" in request):
        raise invalid("an upsert takes either `points` or `batch`")
    mode = request.get("update_mode", "upsert")
    if mode not in _UPDATE_MODES:
        raise wrong_input(f"update_mode {mode!r} is not one of {', '.join(_UPDATE_MODES)}")
    rows = list_of(request["points"], "points") if "points" in request else _rows_of_batch(request["batch"])
    return edge.UpdateOperation.upsert_points(
        [_to_point(row, schema) for row in rows],
        optional_filter(request.get("update_filter")),
        _UPDATE_MODES[mode],
    )


def _selected(request: dict[str, Json], by_ids: Any, by_filter: Any, *arguments: Any) -> edge.UpdateOperation:
    """The operation on the points that a request names, by their ids or by a filter."""
    if ("points" in request) == ("filter" in request):
        raise invalid("select points either by `points` or by `filter`")
    operation: edge.UpdateOperation = (
        by_ids(to_point_ids(request["points"]), *arguments)
        if "points" in request
        else by_filter(to_filter(request["filter"]), *arguments)
    )
    return operation


def _delete(body: Json, _schema: CollectionSchema) -> edge.UpdateOperation:
    request = fields(body, "a deletion", optional=("points", "filter"))
    return _selected(
        request, edge.UpdateOperation.delete_points, edge.UpdateOperation.delete_points_by_filter
    )


def _set_payload(body: Json, _schema: CollectionSchema) -> edge.UpdateOperation:
    request = fields(body, "a payload update", required=("payload",), optional=("points", "filter", "key"))
    operations = (edge.UpdateOperation.set_payload, edge.UpdateOperation.set_payload_by_filter)
    return _selected(request, *operations, request["payload"], request.get("key"))


def _overwrite_payload(body: Json, _schema: CollectionSchema) -> edge.UpdateOperation:
    request = fields(body, "a payload update", required=("payload",), optional=("points", "filter", "key"))
    operations = (edge.UpdateOperation.overwrite_payload, edge.UpdateOperation.overwrite_payload_by_filter)
    return _selected(request, *operations, request["payload"], request.get("key"))


def _delete_payload(body: Json, _schema: CollectionSchema) -> edge.UpdateOperation:
    request = fields(body, "a payload deletion", required=("keys",), optional=("points", "filter"))
    operations = (edge.UpdateOperation.delete_payload, edge.UpdateOperation.delete_payload_by_filter)
    return _selected(request, *operations, [text_of(key, "keys") for key in list_of(request["keys"], "keys")])


def _clear_payload(body: Json, _schema: CollectionSchema) -> edge.UpdateOperation:
    request = fields(body, "a payload deletion", optional=("points", "filter"))
    operations = (edge.UpdateOperation.clear_payload, edge.UpdateOperation.clear_payload_by_filter)
    return _selected(request, *operations)


def _update_vectors(body: Json, schema: CollectionSchema) -> edge.UpdateOperation:
    request = fields(body, "a vector update", required=("points",), optional=("update_filter",))
    points = [
        fields(point, "a point", required=("id", "vector")) for point in list_of(request["points"], "points")
    ]
    return edge.UpdateOperation.update_vectors(
        [
            edge.PointVectors(to_point_id(point["id"]), _to_vectors(point["vector"], schema))
            for point in points
        ],
        optional_filter(request.get("update_filter")),
    )


def _delete_vectors(body: Json, schema: CollectionSchema) -> edge.UpdateOperation:
    request = fields(body, "a vector deletion", required=("vector",), optional=("points", "filter"))
    operations = (edge.UpdateOperation.delete_vectors, edge.UpdateOperation.delete_vectors_by_filter)
    return _selected(
        request, *operations, [schema.require(name) for name in list_of(request["vector"], "vector")]
    )


UPDATES: dict[str, Callable[[Json, CollectionSchema], edge.UpdateOperation]] = {
    "upsert": _upsert,
    "delete": _delete,
    "set_payload": _set_payload,
    "overwrite_payload": _overwrite_payload,
    "delete_payload": _delete_payload,
    "clear_payload": _clear_payload,
    "update_vectors": _update_vectors,
    "delete_vectors": _delete_vectors,
}
"""Every update of points by the name it has in `points/batch`."""


def to_updates(body: Json, schema: CollectionSchema) -> list[edge.UpdateOperation]:
    """The operations of a `points/batch` request, in order; none is applied unless all can be read."""
    request = fields(body, "a batch of updates", required=("operations",))
    operations = []
    for item in list_of(request["operations"], "operations"):
        kind, content = only_entry(item, "an operation")
        if kind not in UPDATES:
            raise wrong_input(f"the local vector server does not support the operation `{kind}`")
        operations.append(UPDATES[kind](content, schema))
    return operations


def to_with_payload(value: Json, *, default: bool) -> edge.WithPayloadType:
    """`with_payload`: a switch, a list of keys, or `{"include": […]}` or `{"exclude": […]}`."""
    if value is None:
        return default
    if isinstance(value, bool | list):
        return value
    kind, keys = only_entry(value, "with_payload")
    if kind == "include":
        return edge.PayloadSelector.Include(list_of(keys, "include"))
    if kind == "exclude":
        return edge.PayloadSelector.Exclude(list_of(keys, "exclude"))
    raise invalid("with_payload takes `include` or `exclude`")


def to_with_vector(value: Json, schema: CollectionSchema) -> edge.WithVectorType:
    """`with_vector`: a switch or a list of names; false when absent."""
    if value is None:
        return False
    if isinstance(value, bool):
        return value
    return [schema.require(name) for name in list_of(value, "with_vector")]


def from_record(record: edge.Record) -> dict[str, Json]:
    """A point as scroll and retrieve answer it."""
    point: dict[str, Json] = {"id": record.id, "payload": record.payload, "vector": record.vector}
    if record.order_value is not None:
        point["order_value"] = record.order_value
    return point


def from_scored(scored: edge.ScoredPoint, *, with_vector: bool) -> dict[str, Json]:
    """A point as a query answers it. MMR brings vectors along unasked: they are left out then."""
    point: dict[str, Json] = {
        "id": scored.id,
        "version": scored.version,
        "score": scored.score,
        "payload": scored.payload,
        "vector": scored.vector if with_vector else None,
    }
    if scored.order_value is not None:
        point["order_value"] = scored.order_value
    return point


def json_default(value: object) -> Json:
    """What orjson cannot write by itself: the engine's sparse vectors."""
    if isinstance(value, edge.SparseVector):
        return {"indices": value.indices, "values": value.values}
    raise TypeError(f"{type(value).__name__} has no JSON form")
