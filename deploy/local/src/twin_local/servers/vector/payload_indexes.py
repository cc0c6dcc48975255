"""Payload indexes: JSON field schemas to the engine's, and back."""

from __future__ import annotations  # some of the engine's types exist in its stubs only

from dataclasses import dataclass
from typing import Any

import qdrant_edge as edge

from .body import Json, fields
from .errors import invalid, wrong_input


@dataclass(frozen=True)
class _IndexType:
    schema_type: edge.PayloadSchemaType
    parameters: Any
    switches: tuple[str, ...]


_TYPES = {
    "keyword": _IndexType(edge.PayloadSchemaType.Keyword, edge.KeywordIndexParams, ("is_tenant", "prefix")),
    "integer": _IndexType(
        edge.PayloadSchemaType.Integer, edge.IntegerIndexParams, ("lookup", "range", "is_principal")
    ),
    "float": _IndexType(edge.PayloadSchemaType.Float, edge.FloatIndexParams, ("is_principal",)),
    "bool": _IndexType(edge.PayloadSchemaType.Bool, edge.BoolIndexParams, ()),
    "datetime": _IndexType(edge.PayloadSchemaType.Datetime, edge.DatetimeIndexParams, ("is_principal",)),
    "uuid": _IndexType(edge.PayloadSchemaType.Uuid, edge.UuidIndexParams, ("is_tenant",)),
    "text": _IndexType(
        edge.PayloadSchemaType.Text,
        edge.TextIndexParams,
        ("min_token_len", "max_token_len", "lowercase", "ascii_folding", "phrase_matching"),
    ),
}
_COMMON_SWITCHES = ("on_disk", "enable_hnsw", "nested")
_TOKENIZERS = {
    "prefix": edge.TokenizerType.Prefix,
    "whitespace": edge.TokenizerType.Whitespace,
    "word": edge.TokenizerType.Word,
    "multilingual": edge.TokenizerType.Multilingual,
}


def to_index_schema(value: Json) -> edge.PayloadSchemaType | Any:
    """The `field_schema` of `PUT …/index`: a type's name, or an object of the type and its parameters.

    Raises RequestError: 400 for a type or parameter that this server lacks.
    """
    if value is None:
        raise wrong_input("Can't detect schema, please specify `field_schema`")
    if isinstance(value, str):
        return _type(value).schema_type
    name = value.get("type") if isinstance(value, dict) else None
    if name is None:
        raise invalid("field_schema must be a type's name or an object with a `type`")
    index_type = _type(name)
    extra = ("tokenizer",) if name == "text" else ()
    parameters = fields(
        value,
        f"the {name} index",
        required=("type",),
        optional=(*index_type.switches, *_COMMON_SWITCHES, *extra),
    )
    del parameters["type"]
    if "tokenizer" in parameters:
        if parameters["tokenizer"] not in _TOKENIZERS:
            raise wrong_input(f"tokenizer {parameters['tokenizer']!r} is not one of {', '.join(_TOKENIZERS)}")
        parameters["tokenizer"] = _TOKENIZERS[parameters["tokenizer"]]
    return index_type.parameters(**parameters)


def describe_index(index: edge.PayloadIndexInfo) -> dict[str, Json]:
    """An entry of `payload_schema` in the answer to `GET /collections/{name}`."""
    name = next(name for name, kind in _TYPES.items() if kind.schema_type == index.data_type)
    return {"data_type": name, "points": index.points, "params": _parameters(name, index.params)}


def _parameters(name: str, parameters: Any) -> dict[str, Json] | None:
    if parameters is None:
        return None
    described: dict[str, Json] = {"type": name}
    for switch in (*_TYPES[name].switches, *_COMMON_SWITCHES):
        setting = getattr(parameters, switch)
        if setting is not None:
            described[switch] = setting
    if name == "text":
        described["tokenizer"] = next(
            word for word, tokenizer in _TOKENIZERS.items() if tokenizer == parameters.tokenizer
        )
    return described


def _type(name: Json) -> _IndexType:
    if not isinstance(name, str) or name not in _TYPES:
        raise wrong_input(
            f"the local vector server has no index of type {name!r}: it has {', '.join(_TYPES)}"
        )
    return _TYPES[name]
