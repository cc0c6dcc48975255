"""Filters: JSON conditions to the engine's."""

from __future__ import annotations  # some of the engine's types exist in its stubs only

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import qdrant_edge as edge

from .body import Json, count_of, fields, list_of, one_or_many, text_of
from .errors import invalid, wrong_input

_CLAUSES = ("must", "should", "must_not", "min_should")
_FIELD_CONDITIONS = ("match", "range", "values_count", "is_empty", "is_null")
_MATCHES: dict[str, Any] = {
    "value": edge.MatchValue,
    "text": edge.MatchText,
    "text_any": edge.MatchTextAny,
    "phrase": edge.MatchPhrase,
    "prefix": edge.MatchPrefix,
    "substring": edge.MatchSubstring,
    "any": edge.MatchAny,
    "except": edge.MatchExcept,
}
_BOUNDS = ("gt", "gte", "lt", "lte")
_LARGEST_ID = 2**64 - 1


def to_point_id(value: Json) -> edge.PointId:
    """An unsigned 64-bit integer or a UUID."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST_ID:
        return value
    if isinstance(value, str):
        try:
            return UUID(value)
        except ValueError:
            pass
    raise wrong_input(
        f"{value!r} is not a valid point ID, valid values are either an unsigned integer or a UUID"
    )


def to_point_ids(value: Json) -> list[edge.PointId]:
    """A list of point ids."""
    return [to_point_id(item) for item in list_of(value, "points")]


def to_filter(value: Json) -> edge.Filter:
    """A whole filter: must, should, must_not and min_should."""
    clauses = fields(value, "a filter", optional=_CLAUSES)
    return edge.Filter(
        must=_conditions(clauses.get("must")),
        should=_conditions(clauses.get("should")),
        must_not=_conditions(clauses.get("must_not")),
        min_should=_min_should(clauses["min_should"]) if "min_should" in clauses else None,
    )


def optional_filter(value: Json) -> edge.Filter | None:
    """As `to_filter`; none stays none."""
    return None if value is None else to_filter(value)


def without_points(search_filter: edge.Filter | None, ids: set[edge.PointId]) -> edge.Filter | None:
    """The filter, and besides none of these points."""
    if not ids:
        return search_filter
    must: list[edge.ConditionType] = [] if search_filter is None else [search_filter]
    return edge.Filter(must=must, must_not=[edge.HasIdCondition(ids)])


def _conditions(value: Json) -> list[edge.ConditionType] | None:
    return None if value is None else [to_condition(item) for item in one_or_many(value)]


def _min_should(value: Json) -> edge.MinShould:
    clause = fields(value, "min_should", required=("conditions", "min_count"))
    return edge.MinShould(
        [to_condition(item) for item in list_of(clause["conditions"], "conditions")],
        count_of(clause["min_count"], "min_count", default=1, least=0),
    )


def to_condition(value: Json) -> edge.ConditionType:
    """One condition, or a filter within the filter."""
    if not isinstance(value, Mapping):
        raise invalid("a condition must be an object")
    if "key" in value:
        return _field_condition(value)
    kind = next((name for name in value if name in _CONDITIONS), None)
    return (
        to_filter(value) if kind is None else _CONDITIONS[kind](fields(value, kind, required=(kind,))[kind])
    )


def _nested(value: Json) -> edge.ConditionType:
    nested = fields(value, "nested", required=("key", "filter"))
    return edge.NestedCondition(text_of(nested["key"], "key"), to_filter(nested["filter"]))


def _payload_key(value: Json) -> str:
    return text_of(fields(value, "a payload field", required=("key",))["key"], "key")


def _field_condition(value: Json) -> edge.FieldCondition:
    condition = fields(value, "a field condition", required=("key",), optional=_FIELD_CONDITIONS)
    if len(condition) == 1:
        raise invalid(f"the condition on `{condition['key']}` compares with nothing")
    return edge.FieldCondition(
        text_of(condition["key"], "key"),
        match=_match(condition["match"]) if "match" in condition else None,
        range=to_range(condition["range"]) if "range" in condition else None,
        values_count=_values_count(condition["values_count"]) if "values_count" in condition else None,
        is_empty=condition.get("is_empty"),
        is_null=condition.get("is_null"),
    )


def _match(value: Json) -> edge.MatchType:
    match = fields(value, "match", optional=_MATCHES)
    if len(match) != 1:
        raise invalid(f"match must have exactly one of {', '.join(_MATCHES)}")
    kind, operand = next(iter(match.items()))
    if kind == "value" and isinstance(operand, float):
        raise invalid(
            "match.value must be a string, a whole number or a boolean; compare floats with `range`"
        )
    matched: edge.MatchType = _MATCHES[kind](_Boolean(operand) if isinstance(operand, bool) else operand)
    return matched


class _Boolean:
    """A boolean that the engine takes for one.

    qdrant-edge-py 0.9 reads Python's True as the integer 1, which matches no boolean. It reads numpy's
    booleans rightly, and knows them by the name of their type alone.
    """

    __module__ = "numpy"

    def __init__(self, truth: bool) -> None:
        self._truth = truth

    def __bool__(self) -> bool:
        return self._truth


_Boolean.__name__ = "bool_"


def to_range(value: Json) -> edge.RangeType:
    """Bounds that are all numbers, or all dates as strings."""
    bounds = fields(value, "range", optional=_BOUNDS)
    if any(isinstance(bound, str) for bound in bounds.values()):
        return edge.RangeDateTime(**bounds)
    return edge.RangeFloat(**bounds)


def _values_count(value: Json) -> edge.ValuesCount:
    return edge.ValuesCount(**fields(value, "values_count", optional=_BOUNDS))


_CONDITIONS: dict[str, Callable[[Json], edge.ConditionType]] = {
    "is_empty": lambda value: edge.IsEmptyCondition(_payload_key(value)),
    "is_null": lambda value: edge.IsNullCondition(_payload_key(value)),
    "has_id": lambda value: edge.HasIdCondition(set(to_point_ids(value))),
    "has_vector": lambda value: edge.HasVectorCondition(text_of(value, "has_vector")),
    "nested": _nested,
}
