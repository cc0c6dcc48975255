"""The pieces a passage is made of: headings, sentences, list items, blocks of code."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import pairwise

from twin_common.documents import Category
from twin_feature_stream.cleaning import clean_line
from twin_feature_stream.markdown import lines


class Kind(Enum):
    """What a segment is."""

    HEADING = auto()
    PROSE = auto()
    CODE = auto()


@dataclass(frozen=True, slots=True)
class Segment:
    """`text[start:end]`, without white space around it."""

    start: int
    end: int
    kind: Kind
    heading_path: tuple[str, ...] = ()


_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*")
_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)]|>|\|)(?=[ \t]|\||\S)")
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)\]*_]*\s+(?=[^\sa-z])|(?<=[。！？])")
_BLOCK_END = re.compile(r"\n[ \t]*\n(?=\S)")


def split(category: Category, text: str) -> list[Segment]:
    """The segments of a cleaned text, in order; together they hold all of it but white space."""
    found = _split_code(text) if category is Category.CODE else _split_markdown(text)
    return [segment for segment in (_trim(text, segment) for segment in found) if segment is not None]


def _split_code(text: str) -> Iterator[Segment]:
    """Blocks that a blank line separates and that begin at the left edge: functions, classes, sections."""
    cuts = [0, *(match.end() for match in _BLOCK_END.finditer(text)), len(text)]
    for start, end in pairwise(cuts):
        yield Segment(start, end, Kind.CODE)


def _split_markdown(text: str) -> Iterator[Segment]:
    path: list[tuple[int, str]] = []
    block: tuple[int, int] | None = None
    fence_start: int | None = None

    def names() -> tuple[str, ...]:
        return tuple(name for _, name in path)

    for line in lines(text):
        content = text[line.start : line.end]
        if line.fenced:
            if block:
                yield from _sentences(text, *block, names())
                block = None
            fence_start = line.start if fence_start is None else fence_start
            if line.closes:
                yield Segment(fence_start, line.end, Kind.CODE, names())
                fence_start = None
            continue
        heading = _HEADING.fullmatch(content)
        if block and (heading or not content.strip()):
            yield from _sentences(text, *block, names())
            block = None
        if heading:
            level = len(heading[1])
            path = [(depth, name) for depth, name in path if depth < level]
            if name := clean_line(heading[2]):
                path.append((level, name))
            yield Segment(line.start, line.end, Kind.HEADING, names())
        elif content.strip():
            block = (block[0] if block else line.start, line.end)
    if block:
        yield from _sentences(text, *block, names())
    if fence_start is not None:
        yield Segment(fence_start, len(text), Kind.CODE, names())


def _sentences(text: str, start: int, end: int, path: tuple[str, ...]) -> Iterator[Segment]:
    """The sentences of one block; a list item, a quoted line or a table row begins a new one."""
    cuts = {start, end, *(match.end() for match in _SENTENCE_END.finditer(text, start, end))}
    line_start = text.find("\n", start, end) + 1
    while line_start:
        if _ITEM.match(text, line_start, end):
            cuts.add(line_start)
        line_start = text.find("\n", line_start, end) + 1
    for cut, following in pairwise(sorted(cuts)):
        yield Segment(cut, following, Kind.PROSE, path)


def _trim(text: str, segment: Segment) -> Segment | None:
    """The segment without white space around it, except for the indentation of code; None when blank."""
    content = text[segment.start : segment.end]
    if not content.strip():
        return None
    end = segment.start + len(content.rstrip())
    if segment.kind is Kind.CODE:
        blank = content[: len(content) - len(content.lstrip())]
        start = segment.start + blank.rfind("\n") + 1
    else:
        start = segment.end - len(content.lstrip())
    return segment if (start, end) == (segment.start, segment.end) else replace(segment, start=start, end=end)


def break_up(text: str, segment: Segment, parts: int) -> list[Segment]:
    """Break a segment at its lines if it is code, else into `parts` of similar length, between words."""
    cuts = {segment.start, segment.end}
    newline = text.find("\n", segment.start, segment.end) if segment.kind is Kind.CODE else -1
    while newline >= 0:
        cuts.add(newline + 1)
        newline = text.find("\n", newline + 1, segment.end)
    if len(cuts) == 2:
        step = max(1, (segment.end - segment.start) // (parts + 1))
        for target in range(segment.start + step, segment.end, step):
            space = max(text.rfind(blank, target - step // 2, target) for blank in " \n\t")
            cuts.add(space + 1 if space > segment.start else target)
    ordered = sorted(cuts)
    pieces = [replace(segment, start=start, end=end) for start, end in pairwise(ordered)]
    return [piece for piece in (_trim(text, piece) for piece in pieces) if piece is not None]
