"""Grouping of scored points by a payload value (`POST …/points/query/groups`)."""

from collections.abc import Sequence
from typing import Any

from .body import Json

GroupId = str | int


def group_ids(payload: Json, path: str) -> list[GroupId]:
    """The groups a point belongs to: the values at the path, each once, in the payload's order.

    None, as in Qdrant, if one of them can't name a group (a boolean, a float, an object).
    """
    values = _values_at(payload, path.split("."))
    if any(isinstance(value, bool) or not isinstance(value, str | int) for value in values):
        return []
    return list(dict.fromkeys(values))


def _values_at(value: Json, keys: Sequence[str]) -> list[Any]:
    if isinstance(value, list):
        return [found for item in value for found in _values_at(item, keys)]
    if not keys:
        return [] if value is None else [value]
    if not isinstance(value, dict):
        return []
    return _values_at(value.get(keys[0].removesuffix("[]")), keys[1:])


def first_groups(
    members: Sequence[Sequence[GroupId]], *, limit: int, group_size: int
) -> tuple[dict[GroupId, list[int]], bool]:
    """The best `limit` groups with the positions of their best `group_size` points.

    `members[i]` are the groups of the point at rank i. The second value tells whether that many groups
    are filled, so that points of a lower rank could change nothing.
    """
    groups: dict[GroupId, list[int]] = {}
    for position, ids in enumerate(members):
        for group in ids:
            if group not in groups and len(groups) == limit:
                continue
            hits = groups.setdefault(group, [])
            if len(hits) < group_size:
                hits.append(position)
    complete = len(groups) == limit and all(len(hits) == group_size for hits in groups.values())
    return groups, complete


def widen_prefetches(prefetch: Json, factor: int) -> Json:
    """The prefetches with their limits multiplied: each group wants several of the points they bring."""
    if isinstance(prefetch, list):
        return [widen_prefetches(item, factor) for item in prefetch]
    if not isinstance(prefetch, dict):
        return prefetch
    return {
        **prefetch,
        "limit": (prefetch.get("limit") or 10) * factor,
        "prefetch": widen_prefetches(prefetch.get("prefetch"), factor),
    }
