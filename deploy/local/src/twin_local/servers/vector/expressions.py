"""Formula expressions: JSON to the engine's tree."""

from collections.abc import Mapping
from typing import Any

import qdrant_edge as edge

from .body import Json, fields, list_of
from .errors import invalid, wrong_input
from .filters import to_condition

_OF_MANY: dict[str, Any] = {
    "mult": edge.Expression.Mult,
    "sum": edge.Expression.Sum,
    "max": edge.Expression.Max,
    "min": edge.Expression.Min,
}
_OF_ONE: dict[str, Any] = {
    "neg": edge.Expression.Neg,
    "abs": edge.Expression.Abs,
    "sqrt": edge.Expression.Sqrt,
    "exp": edge.Expression.Exp,
    "log10": edge.Expression.Log10,
    "ln": edge.Expression.Ln,
    "acosh": edge.Expression.Acosh,
}
_OF_TEXT: dict[str, Any] = {
    "datetime": edge.Expression.Datetime,
    "datetime_key": edge.Expression.DatetimeKey,
}
_DECAYS: dict[str, Any] = {
    "lin_decay": edge.DecayKind.Lin,
    "gauss_decay": edge.DecayKind.Gauss,
    "exp_decay": edge.DecayKind.Exp,
}


def to_expression(value: Json) -> edge.Expression:
    """A number, a variable (`$score`, a payload key), a condition (1 or 0), or a function of these."""
    if isinstance(value, bool):
        raise invalid("an expression is a number, a variable, a condition or a function, not a boolean")
    if isinstance(value, int | float):
        return edge.Expression.Constant(float(value))
    if isinstance(value, str):
        return edge.Expression.Variable(value)
    if isinstance(value, Mapping) and len(value) == 1:
        name, operand = next(iter(value.items()))
        return _function(name, operand, value)
    return edge.Expression.Condition(to_condition(value))


def _function(name: str, operand: Json, value: Json) -> edge.Expression:
    expression: edge.Expression
    if name in _OF_MANY:
        expression = _OF_MANY[name]([to_expression(item) for item in list_of(operand, name)])
    elif name in _OF_ONE:
        expression = _OF_ONE[name](to_expression(operand))
    elif name in _OF_TEXT:
        expression = _OF_TEXT[name](operand)
    elif name in _DECAYS:
        expression = _decay(name, operand)
    elif name == "div":
        parts = fields(operand, "div", required=("left", "right"), optional=("by_zero_default",))
        expression = edge.Expression.Div(
            to_expression(parts["left"]), to_expression(parts["right"]), parts.get("by_zero_default")
        )
    elif name == "pow":
        parts = fields(operand, "pow", required=("base", "exponent"))
        expression = edge.Expression.Pow(to_expression(parts["base"]), to_expression(parts["exponent"]))
    elif name == "geo_distance":
        raise wrong_input("the local vector server has no geographic queries")
    else:
        expression = edge.Expression.Condition(to_condition(value))
    return expression


def _decay(name: str, operand: Json) -> edge.Expression:
    parts = fields(operand, name, required=("x",), optional=("target", "midpoint", "scale"))
    return edge.Expression.Decay(
        _DECAYS[name],
        to_expression(parts["x"]),
        to_expression(parts["target"]) if "target" in parts else None,
        parts.get("midpoint"),
        parts.get("scale"),
    )
