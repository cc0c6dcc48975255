"""The points of an unwritten text, each with what the sources say on it. Nothing here does I/O."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from twin_rag_api.generation.engines import Source, Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MARKER = re.compile(r"^[ \t]*(?:#{1,6}[ \t]+|[-*+][ \t]+|\(?\d{1,2}[.)/][ \t]*)*")
_MOST_POINTS = 12
_QUOTES_A_POINT = 2
_LONGEST_POINT = 160
NOTHING = "The sources say nothing on this."


def points_of(task: Task) -> list[str]:
    """The skeleton's lines; without one the themes of the sources; without these the idea alone."""
    lines = [_MARKER.sub("", line).strip() for line in (task.skeleton or "").splitlines()]
    points = [line for line in lines if line]
    if not points and task.preset:
        points = [_theme(source) for source in task.sources][: task.preset.sections]
    points = points or [task.question.splitlines()[0]]
    return [_shortened(point) for point in dict.fromkeys(points)][:_MOST_POINTS]


def assign(scores: "NDArray[np.floating]", least: float) -> list[list[int]]:
    """For every point the sentences that fit it best; none stands below two points.

    Args:
        scores: how well each sentence fits each point, shape (points, sentences).
        least: a sentence that fits less is left out.
    """
    taken: set[int] = set()
    chosen: list[list[int]] = []
    for row in scores:
        best = [int(place) for place in np.argsort(-row, kind="stable") if row[place] >= least]
        mine = [place for place in best if place not in taken][:_QUOTES_A_POINT]
        taken.update(mine)
        chosen.append(mine)
    return chosen


def render_point(number: int, point: str, quotes: Sequence[str]) -> str:
    """A numbered point in Markdown, with its quotes below."""
    return f"\n{number}. **{point}**\n" + ("".join(quotes) or f"\n{NOTHING}\n")


def _theme(source: Source) -> str:
    chunk = source.passage.chunk
    return chunk.heading_path[-1] if chunk.heading_path else chunk.title


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_POINT else text[:_LONGEST_POINT].rsplit(" ", 1)[0] + " …"
