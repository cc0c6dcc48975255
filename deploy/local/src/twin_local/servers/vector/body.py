"""Strict reading of JSON bodies: what this server does not know is refused, never ignored."""

from collections.abc import Collection, Mapping
from typing import Any

from .errors import invalid, wrong_input

Json = Any
"""A JSON value as orjson gives it."""


def fields(
    value: Json, what: str, *, required: Collection[str] = (), optional: Collection[str] = ()
) -> dict[str, Json]:
    """The object's fields without those that are null.

    Raises RequestError: 422 if `value` is no object or lacks a required field, 400 for a field not listed.
    """
    if not isinstance(value, Mapping):
        raise invalid(f"{what} must be an object")
    present = {name: content for name, content in value.items() if content is not None}
    for name in required:
        if name not in present:
            raise invalid(f"{what} lacks the field `{name}`")
    for name in present:
        if name not in required and name not in optional:
            raise wrong_input(f"the local vector server does not support `{name}` in {what}")
    return present


def only_entry(value: Json, what: str) -> tuple[str, Json]:
    """The name and content of an object that has exactly one field."""
    if not isinstance(value, Mapping) or len(value) != 1:
        raise invalid(f"{what} must be an object with one field")
    return next(iter(value.items()))


def count_of(value: Json, what: str, *, default: int, least: int = 1) -> int:
    """A whole number of at least `least`; `default` when it is null."""
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid(f"{what} must be a whole number")
    if value < least:
        raise invalid(f"{what}: value {value} invalid, must be {least} or larger")
    return value


def list_of(value: Json, what: str) -> list[Json]:
    """The value, if it is a list."""
    if not isinstance(value, list):
        raise invalid(f"{what} must be a list")
    return value


def text_of(value: Json, what: str) -> str:
    """The value, if it is a string."""
    if not isinstance(value, str):
        raise invalid(f"{what} must be a string")
    return value


def one_or_many(value: Json) -> list[Json]:
    """Qdrant takes a single object wherever it takes a list of them."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
