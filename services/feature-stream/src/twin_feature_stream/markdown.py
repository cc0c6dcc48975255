"""Where code fences begin and end: the one thing about Markdown that cleaning and chunking both must know."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FENCE = re.compile(r" {0,3}(?P<marks>`{3,}|~{3,})(?P<info>.*)")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a text: `text[start:end]`, its line end left out."""

    start: int
    end: int
    fenced: bool
    """Part of a code fence, its first and last line included."""
    closes: bool = False
    """The last line of a fence."""


def lines(text: str) -> Iterator[Line]:
    """The lines of a text in order; a fence that nobody closes reaches to the end."""
    marks = ""
    start = 0
    for content in text.split("\n"):
        end = start + len(content)
        fence = _FENCE.fullmatch(content)
        if marks:
            closes = fence is not None and fence["marks"].startswith(marks) and not fence["info"].strip()
            yield Line(start, end, fenced=True, closes=closes)
            marks = "" if closes else marks
        elif fence is not None and not (fence["marks"][0] == "`" and "`" in fence["info"]):
            marks = fence["marks"]
            yield Line(start, end, fenced=True)
        else:
            yield Line(start, end, fenced=False)
        start = end + 1
