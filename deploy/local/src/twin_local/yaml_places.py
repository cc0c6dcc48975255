"""Finds where in a YAML text each value stands."""

from typing import NamedTuple

import yaml


class Place(NamedTuple):
    """A line and a column, both from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


def find_places(text: str) -> dict[tuple[str | int, ...], Place]:
    """The place of each key and list item, by its path from the top.

    Raises:
        yaml.YAMLError: the text is no YAML, or has a key twice, of which YAML's reader drops one silently.
    """
    places: dict[tuple[str | int, ...], Place] = {}
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    waiting: list[tuple[tuple[str | int, ...], yaml.Node]] = [((), root)] if root is not None else []
    seen: set[int] = set()  # an alias may repeat a node, or even hold itself
    while waiting:
        path, node = waiting.pop()
        places.setdefault(path, _start(node))
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                below = (*path, str(key.value))
                if below in places:
                    raise yaml.MarkedYAMLError(None, None, f"{key.value} is written twice", key.start_mark)
                places[below] = _start(key)
                waiting.append((below, value))
        elif isinstance(node, yaml.SequenceNode):
            waiting += [((*path, index), item) for index, item in enumerate(node.value)]
    return places


def _start(node: yaml.Node) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)
