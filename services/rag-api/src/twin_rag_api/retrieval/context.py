"""From the chunks a search found to the passages a reader gets: neighbours joined, nothing told twice.

A vector speaks best for a few sentences, a reader needs the paragraph around them. So the chunks that are
searched are small, and what is returned is the stretch of text in which the best of them stand.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import chain, cycle, repeat

from twin_common.documents import Chunk
from twin_common.identity import point_id
from twin_rag_api.retrieval.passages import Passage
from twin_rag_api.retrieval.stretches import Stretch, StretchPolicy

_WORD = re.compile(r"\w+")
_SHINGLE_WORDS = 4


_REACH = 8
"""How many chunks a passage spans at most; more than its length admits."""
_REPEATED_SHARE = 0.5
"""A passage that has this share of its four-word sequences in common with a better one is left out."""


def neighbour_ids(stretches: Sequence[Stretch]) -> list[str]:
    """The points of `chunks` that may be part of these passages."""
    return list(
        {
            point_id(stretch.best.chunk.document_id, index): None
            for stretch in stretches
            for index in range(
                max(0, min(stretch.first, stretch.last + 1 - _REACH)),
                max(stretch.last, stretch.first - 1 + _REACH) + 1,
            )
        }
    )


def widened(stretch: Stretch, around: Mapping[tuple[str, int], Chunk], policy: StretchPolicy) -> Passage:
    """The stretch's text, with as much of its surroundings on both sides as its length admits.

    Args:
        stretch: what is to be returned.
        around: neighbours by document id and chunk index; those of another version are ignored.
        policy: the length.
    """
    found = stretch.best.chunk
    first = last = found
    text, size = found.text, found.token_count
    inside = repeat(1, stretch.last - found.chunk_index), repeat(-1, found.chunk_index - stretch.first)
    growing = {1, -1}
    for side in chain(*inside, cycle((1, -1))):
        if not growing:
            break
        edge = last if side == 1 else first
        chunk = around.get((found.document_id, edge.chunk_index + side))
        if chunk is None or chunk.version != found.version:
            growing.discard(side)
            continue
        joined = _join(text, first.start, chunk)
        added = len(joined) - len(text)
        cost = round(chunk.token_count * added / max(1, len(chunk.text)))
        if size + cost > policy.tokens:
            growing.discard(side)
            continue
        text, size = joined, size + cost
        first, last = (first, chunk) if side == 1 else (chunk, last)
    return Passage(found, stretch.score, text)


def _join(text: str, start: int, chunk: Chunk) -> str:
    """`text`, which begins at `start` of its document, and a chunk that overlaps or touches it."""
    if chunk.start >= start:
        gap = chunk.start - start - len(text)
        return text + _gap(gap) + chunk.text[max(0, -gap) :]
    gap = start - chunk.start - len(chunk.text)
    return chunk.text[: start - chunk.start] + _gap(gap) + text


def _gap(characters: int) -> str:
    """Between chunks that do not overlap there is only white space: a line's end or a paragraph's."""
    return "\n" * min(2, max(0, characters))


def without_repeats(passages: Sequence[Passage]) -> list[Passage]:
    """Leave out what a better passage says already, as where a text was published twice."""
    kept: list[Passage] = []
    seen: list[frozenset[tuple[str, ...]]] = []
    for passage in passages:
        own = _shingles(passage.text)
        if not any(len(own & other) > _REPEATED_SHARE * min(len(own), len(other)) for other in seen):
            kept.append(passage)
            seen.append(own)
    return kept


def _shingles(text: str) -> frozenset[tuple[str, ...]]:
    words = _WORD.findall(text.lower())
    count = max(1, len(words) - _SHINGLE_WORDS + 1)
    return frozenset(tuple(words[first : first + _SHINGLE_WORDS]) for first in range(count))
