"""Passages that one vector can speak for, cut where a reader would pause.

A text is split into segments; neighbouring ones are packed into steps, and at every step a passage of a few
steps begins. So whatever is said fills a good part of some passage, while the average over a long chunk would
drown it (bench/retrieval.py, docs/adr/0012). A passage is always one unbroken stretch of the text, so nothing
is lost and order is kept.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

from twin_common.documents import Category
from twin_feature_stream.segments import Kind, Segment, break_up, split

CountTokens = Callable[[Sequence[str]], list[int]]
"""How many tokens each text has, special tokens included."""


@dataclass(frozen=True)
class ChunkingPolicy:
    """How passages are cut; lengths in the encoder's tokens."""

    max_tokens: int
    """The encoder's window, special tokens included: the length of a passage of code."""
    passage_tokens: int = 96
    """The length of a passage of prose."""
    step_tokens: int = 48
    """How far apart passages of prose begin, and so how much of one the next repeats."""
    section_tokens: int = 32
    """A heading ends a step that has at least this many; smaller sections share one."""
    max_characters_per_token: int = 16
    """Bounds a passage's size where a tokenizer makes one token of a very long word."""

    def step(self, category: Category) -> int:
        """The longest step of a text of this category."""
        return self.max_tokens if category is Category.CODE else min(self.step_tokens, self.max_tokens)

    def passage(self, category: Category) -> int:
        """The longest passage of a text of this category."""
        return self.max_tokens if category is Category.CODE else min(self.passage_tokens, self.max_tokens)


@dataclass(frozen=True)
class Passage:
    """One chunk of a text: `text[start:start + len(passage.text)]`."""

    start: int
    text: str
    heading_path: tuple[str, ...]
    token_count: int


@dataclass(slots=True)
class _Text:
    """One text on its way through the rounds."""

    category: Category
    text: str
    segments: list[Segment]
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
    works = [_Text(category, text, split(category, text), [], []) for category, text in texts]
    _fit_segments(works, count_tokens, policy, special)
    for work in works:
        steps = _pack(work, policy, policy.step(work.category) - special)
        work.runs = _windows(steps, work.counts, policy.passage(work.category) - special)
    return _measure(works, count_tokens, policy)


# Fitting: no segment exceeds a step.

_PIECES_A_STEP = 4  # pieces much smaller than a step leave little of it empty


def _fit_segments(
    works: Sequence[_Text], count_tokens: CountTokens, policy: ChunkingPolicy, special: int
) -> None:
    """Count every segment, and break those that exceed a step until none does."""
    _count_into(works, [work.slices() for work in works], count_tokens, special)
    longest = policy.max_tokens * policy.max_characters_per_token
    while True:
        pending: list[list[str]] = []
        for work in works:
            limit = policy.step(work.category) - special
            segments: list[Segment] = []
            counts: list[int] = []
            fresh: list[str] = []
            for segment, count in zip(work.segments, work.counts, strict=True):
                excess = max(count / limit, (segment.end - segment.start) / longest)
                if excess <= 1 or segment.end - segment.start == 1:
                    segments.append(segment)
                    counts.append(count)
                    continue
                for piece in break_up(work.text, segment, ceil(excess * _PIECES_A_STEP)):
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


# Packing: neighbouring segments share a step.


def _pack(work: _Text, policy: ChunkingPolicy, budget: int) -> list[tuple[int, int]]:
    """Runs of segments as ranges of their positions, each beginning where the one before ends."""
    runs: list[tuple[int, int]] = []
    first, size = 0, 0
    whole = work.category is Category.POST
    for position, segment in enumerate(work.segments):
        cost = work.counts[position]
        opens_section = (
            not whole
            and segment.kind is Kind.HEADING
            and size >= policy.section_tokens
            and work.segments[position - 1].kind is not Kind.HEADING
        )
        if position > first and (size + cost > budget or opens_section):
            end = position - _headings_before(work, first, position, budget - cost)
            runs.append((first, end))
            first, size = end, sum(work.counts[end:position])
        size += cost
    if work.segments:
        runs.append((first, len(work.segments)))
    return runs


def _headings_before(work: _Text, first: int, position: int, room: int) -> int:
    """How many headings right before `position` go with what they head."""
    begin = position
    while begin > first and work.segments[begin - 1].kind is Kind.HEADING:
        begin -= 1
    fits = sum(work.counts[begin:position]) <= room
    return position - begin if fits and begin > first else 0


def _windows(steps: Sequence[tuple[int, int]], counts: Sequence[int], budget: int) -> list[tuple[int, int]]:
    """From each step on as many as fit the budget, at least one; what another holds whole is none."""
    sizes = [sum(counts[first:end]) for first, end in steps]
    windows: list[tuple[int, int]] = []
    for position, (first, _) in enumerate(steps):
        last, size = position, sizes[position]
        while last + 1 < len(steps) and size + sizes[last + 1] <= budget:
            last += 1
            size += sizes[last]
        if not windows or steps[last][1] > windows[-1][1]:
            windows.append((first, steps[last][1]))
    return windows


# Measuring: what a tokenizer makes of a whole passage may exceed the sum of its segments.


def _measure(
    works: Sequence[_Text], count_tokens: CountTokens, policy: ChunkingPolicy
) -> list[tuple[Passage, ...]]:
    """Count every passage, and halve those that exceed the encoder's window."""
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
    body = next((segment for segment in segments if segment.kind is not Kind.HEADING), segments[-1])
    return Passage(segments[0].start, text, body.heading_path, count)
