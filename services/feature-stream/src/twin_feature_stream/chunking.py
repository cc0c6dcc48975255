"""Passages that fit the encoder's window, cut where a reader would pause.

A text is split into segments (headings, sentences, list items, code), and neighbouring segments are packed
into chunks. A chunk is always one unbroken stretch of the text, so nothing is lost and order is kept.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import pairwise
from math import ceil

from twin_common.documents import Category
from twin_feature_stream.cleaning import clean_line
from twin_feature_stream.markdown import lines

CountTokens = Callable[[Sequence[str]], list[int]]
"""How many tokens each text has, special tokens included."""


@dataclass(frozen=True)
class ChunkingPolicy:
    """How chunks are cut; lengths in the encoder's tokens."""

    max_tokens: int
    """The encoder's window, special tokens included."""
    overlap_tokens: int = 32
    """How much of a broken paragraph's last sentences the next chunk repeats."""
    section_tokens: int = 64
    """A heading ends a chunk that has at least this many; smaller sections share one."""
    max_characters_per_token: int = 16
    """Bounds a chunk's size where a tokenizer makes one token of a very long word."""


@dataclass(frozen=True)
class Passage:
    """One chunk of a text: `text[start:start + len(passage.text)]`."""

    start: int
    text: str
    heading_path: tuple[str, ...]
    token_count: int


class _Kind(Enum):
    HEADING = auto()
    PROSE = auto()
    CODE = auto()


@dataclass(frozen=True, slots=True)
class _Segment:
    start: int
    end: int
    kind: _Kind
    heading_path: tuple[str, ...] = ()
    continues: bool = False
    """It belongs to the same block as the segment before it."""


@dataclass(slots=True)
class _Text:
    """One text on its way through the rounds."""

    category: Category
    text: str
    segments: list[_Segment]
    counts: list[int]
    runs: list[tuple[int, int]]

    def slices(self) -> list[str]:
        return [self.text[segment.start : segment.end] for segment in self.segments]

    def stretch(self, run: tuple[int, int]) -> str:
        return self.text[self.segments[run[0]].start : self.segments[run[1] - 1].end]


def chunk_texts(
    texts: Sequence[tuple[Category, str]], count_tokens: CountTokens, policy: ChunkingPolicy
) -> list[tuple[Passage, ...]]:
    """Cut cleaned texts into passages, with a few tokenizer calls for all of them together.

    Returns:
        For each text its passages in order, each of at most `policy.max_tokens` tokens; none for a blank one.
    """
    special = count_tokens([""])[0]
    works = [_Text(category, text, _split(category, text), [], []) for category, text in texts]
    _fit_segments(works, count_tokens, policy, special)
    for work in works:
        work.runs = _pack(work, policy, policy.max_tokens - special)
    return _measure(works, count_tokens, policy)


# Splitting: a text becomes segments.

_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*")
_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)]|>|\|)(?=[ \t]|\||\S)")
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)\]*_]*\s+(?=[^\sa-z])|(?<=[。！？])")
_BLOCK_END = re.compile(r"\n[ \t]*\n(?=\S)")


def _split(category: Category, text: str) -> list[_Segment]:
    found = _split_code(text) if category is Category.CODE else _split_markdown(text)
    return [segment for segment in (_trim(text, segment) for segment in found) if segment is not None]


def _split_code(text: str) -> Iterator[_Segment]:
    """Blocks that a blank line separates and that begin at the left edge: functions, classes, sections."""
    cuts = [0, *(match.end() for match in _BLOCK_END.finditer(text)), len(text)]
    for start, end in pairwise(cuts):
        yield _Segment(start, end, _Kind.CODE)


def _split_markdown(text: str) -> Iterator[_Segment]:
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
                yield _Segment(fence_start, line.end, _Kind.CODE, names())
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
            yield _Segment(line.start, line.end, _Kind.HEADING, names())
        elif content.strip():
            block = (block[0] if block else line.start, line.end)
    if block:
        yield from _sentences(text, *block, names())
    if fence_start is not None:
        yield _Segment(fence_start, len(text), _Kind.CODE, names())


def _sentences(text: str, start: int, end: int, path: tuple[str, ...]) -> Iterator[_Segment]:
    """The sentences of one block; a list item, a quoted line or a table row begins a new one."""
    cuts = {start, end, *(match.end() for match in _SENTENCE_END.finditer(text, start, end))}
    line_start = text.find("\n", start, end) + 1
    while line_start:
        if _ITEM.match(text, line_start, end):
            cuts.add(line_start)
        line_start = text.find("\n", line_start, end) + 1
    for cut, following in pairwise(sorted(cuts)):
        yield _Segment(cut, following, _Kind.PROSE, path, continues=cut > start)


def _trim(text: str, segment: _Segment) -> _Segment | None:
    """The segment without white space around it, except for the indentation of code; None when blank."""
    content = text[segment.start : segment.end]
    if not content.strip():
        return None
    end = segment.start + len(content.rstrip())
    if segment.kind is _Kind.CODE:
        blank = content[: len(content) - len(content.lstrip())]
        start = segment.start + blank.rfind("\n") + 1
    else:
        start = segment.end - len(content.lstrip())
    return segment if (start, end) == (segment.start, segment.end) else replace(segment, start=start, end=end)


# Fitting: no segment exceeds the window.

_PIECES_A_WINDOW = 4  # pieces much smaller than the window leave little of a chunk empty


def _fit_segments(
    works: Sequence[_Text], count_tokens: CountTokens, policy: ChunkingPolicy, special: int
) -> None:
    """Count every segment, and break those that exceed the window until none does."""
    _count_into(works, [work.slices() for work in works], count_tokens, special)
    limit = policy.max_tokens - special
    longest = policy.max_tokens * policy.max_characters_per_token
    while True:
        pending: list[list[str]] = []
        for work in works:
            segments: list[_Segment] = []
            counts: list[int] = []
            fresh: list[str] = []
            for segment, count in zip(work.segments, work.counts, strict=True):
                excess = max(count / limit, (segment.end - segment.start) / longest)
                if excess <= 1 or segment.end - segment.start == 1:
                    segments.append(segment)
                    counts.append(count)
                    continue
                for piece in _break(work.text, segment, ceil(excess * _PIECES_A_WINDOW)):
                    segments.append(piece)
                    counts.append(-1)
                    fresh.append(work.text[piece.start : piece.end])
            work.segments, work.counts = segments, counts
            pending.append(fresh)
        if not any(pending):
            return
        _count_into(works, pending, count_tokens, special)


def _count_into(
    works: Sequence[_Text], slices: Sequence[list[str]], count_tokens: CountTokens, special: int
) -> None:
    """One tokenizer call for all slices; a text's counts of -1, or all when it has none, are filled in."""
    counted = iter(count_tokens([piece for own in slices for piece in own]) if any(slices) else [])
    for work, own in zip(works, slices, strict=True):
        fresh = [max(0, next(counted) - special) for _ in own]
        if not work.counts:
            work.counts = fresh
            continue
        filling = iter(fresh)
        work.counts = [next(filling) if count < 0 else count for count in work.counts]


def _break(text: str, segment: _Segment, parts: int) -> list[_Segment]:
    """Break a segment at its lines if it is code, else into `parts` of similar length, between words."""
    cuts = {segment.start, segment.end}
    newline = text.find("\n", segment.start, segment.end) if segment.kind is _Kind.CODE else -1
    while newline >= 0:
        cuts.add(newline + 1)
        newline = text.find("\n", newline + 1, segment.end)
    if len(cuts) == 2:
        step = max(1, (segment.end - segment.start) // (parts + 1))
        for target in range(segment.start + step, segment.end, step):
            space = max(text.rfind(blank, target - step // 2, target) for blank in " \n\t")
            cuts.add(space + 1 if space > segment.start else target)
    ordered = sorted(cuts)
    pieces = [
        replace(segment, start=start, end=end, continues=segment.continues or start > segment.start)
        for start, end in pairwise(ordered)
    ]
    return [piece for piece in (_trim(text, piece) for piece in pieces) if piece is not None]


# Packing: neighbouring segments share a chunk.


def _pack(work: _Text, policy: ChunkingPolicy, budget: int) -> list[tuple[int, int]]:
    """Runs of segments as ranges of their positions; two neighbours may overlap."""
    runs: list[tuple[int, int]] = []
    first, size = 0, 0
    whole = work.category is Category.POST
    for position, segment in enumerate(work.segments):
        cost = work.counts[position]
        opens_section = (
            not whole
            and segment.kind is _Kind.HEADING
            and size >= policy.section_tokens
            and work.segments[position - 1].kind is not _Kind.HEADING
        )
        if position > first and (size + cost > budget or opens_section):
            runs.append((first, position))
            carried = 0 if opens_section else _carried(work, first, position, policy, budget - cost)
            if work.segments[position - 1].kind is _Kind.HEADING and carried:
                runs[-1] = (first, position - carried)
            first = position - carried
            size = sum(work.counts[first:position])
        size += cost
    if work.segments:
        runs.append((first, len(work.segments)))
    return runs


def _carried(work: _Text, first: int, position: int, policy: ChunkingPolicy, room: int) -> int:
    """How many segments before `position` go with it: headings above, or its paragraph's last sentences."""
    before = position - 1
    if work.segments[before].kind is _Kind.HEADING:
        while before >= first and work.segments[before].kind is _Kind.HEADING:
            before -= 1
        carried = position - 1 - before
        fits = sum(work.counts[before + 1 : position]) <= room
        return carried if fits and before >= first else 0
    size = 0
    carried = 0
    limit = min(policy.overlap_tokens, room)
    while position - carried - 1 > first:
        following, candidate = work.segments[position - carried], work.segments[position - carried - 1]
        size += work.counts[position - carried - 1]
        if not following.continues or candidate.kind is not _Kind.PROSE or size > limit:
            break
        carried += 1
    return carried


# Measuring: what a tokenizer makes of a whole chunk may exceed the sum of its segments.


def _measure(
    works: Sequence[_Text], count_tokens: CountTokens, policy: ChunkingPolicy
) -> list[tuple[Passage, ...]]:
    """Count every chunk, and halve those that turn out too long."""
    found: list[list[Passage]] = [[] for _ in works]
    waiting = [(index, run) for index, work in enumerate(works) for run in work.runs]
    while waiting:
        stretches = [works[index].stretch(run) for index, run in waiting]
        longer: list[tuple[int, tuple[int, int]]] = []
        for (index, run), text, count in zip(waiting, stretches, count_tokens(stretches), strict=True):
            if count > policy.max_tokens and run[1] - run[0] > 1:
                middle = (run[0] + run[1]) // 2
                longer += [(index, (run[0], middle)), (index, (middle, run[1]))]
            else:
                found[index].append(_passage(works[index], run, text, count))
        waiting = longer
    return [tuple(sorted(passages, key=lambda passage: passage.start)) for passages in found]


def _passage(work: _Text, run: tuple[int, int], text: str, count: int) -> Passage:
    segments = work.segments[run[0] : run[1]]
    body = next((segment for segment in segments if segment.kind is not _Kind.HEADING), segments[-1])
    return Passage(segments[0].start, text, body.heading_path, count)
