"""Text that has nothing to do with any author, and questions about it; written for this project."""

from functools import cache
from importlib.resources import files

_SEPARATOR = "\n\n"


@cache
def control_paragraphs() -> tuple[str, ...]:
    """Paragraphs of plain prose on general facts, each on a subject of its own."""
    text = files(__package__).joinpath("texts/control.txt").read_text(encoding="utf-8")
    return tuple(text.strip().split(_SEPARATOR))
