"""From the chunks a search found to the passages a reader gets: neighbours joined, nothing told twice.

A vector speaks best for a few sentences, a reader needs the paragraph around them. So the chunks that are
searched are small, and what is returned is the stretch of text in which the best of them stands.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from twin_common.documents import Chunk
from twin_common.identity import point_id
from twin_rag_api.retrieval.passages import Passage

_WORD = re.compile(r"\w+")
_SHINGLE_WORDS = 4


@dataclass(frozen=True)
class ContextPolicy:
    """How much is returned of what was found; measured by bench/retrieval.py."""

    tokens: int = 400
    """The length of a returned passage, in the encoder's tokens."""
    reach: int = 7
    """How many neighbours on either side are looked at: more than the length admits."""
    most_of_a_document: int = 3
    """So that one document does not crowd out all others."""
    repeated_share: float = 0.5
    """A passage that has this share of its four-word sequences in common with a better one is left out."""


def apart(passages: Sequence[Passage], policy: ContextPolicy, limit: int) -> list[Passage]:
    """The best passages that no better one will bring along as its surroundings.

    Args:
        passages: best first.
        policy: how far surroundings reach.
        limit: how many at most.
    """
    chosen: list[Passage] = []
    of_document: Counter[str] = Counter()
    for passage in passages:
        chunk = passage.chunk
        near = (
            abs(chunk.start - other.chunk.start) < len(other.chunk.text)
            for other in chosen
            if other.chunk.document_id == chunk.document_id
        )
        if of_document[chunk.document_id] < policy.most_of_a_document and not any(near):
            chosen.append(passage)
            of_document[chunk.document_id] += 1
        if len(chosen) == limit:
            break
    return chosen


def neighbour_ids(passages: Sequence[Passage], policy: ContextPolicy) -> list[str]:
    """The points of `chunks` that may stand around these passages."""
    return list(
        {
            point_id(passage.chunk.document_id, index): None
            for passage in passages
            for index in range(
                max(0, passage.chunk.chunk_index - policy.reach), passage.chunk.chunk_index + policy.reach + 1
            )
        }
    )


def widened(passage: Passage, around: Mapping[tuple[str, int], Chunk], policy: ContextPolicy) -> Passage:
    """The passage with as much of its surroundings on both sides as its length admits.

    Args:
        passage: a chunk that was found.
        around: neighbours by document id and chunk index; those of another version are ignored.
        policy: the length.
    """
    found = passage.chunk
    first = last = found
    text, size = found.text, found.token_count
    growing = {1, -1}
    while growing:
        for side in (1, -1):
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
    return replace(passage, text=text)


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


def without_repeats(passages: Sequence[Passage], policy: ContextPolicy) -> list[Passage]:
    """Leave out what a better passage says already, as where a text was published twice."""
    kept: list[Passage] = []
    seen: list[frozenset[tuple[str, ...]]] = []
    for passage in passages:
        own = _shingles(passage.text)
        if not any(len(own & other) > policy.repeated_share * min(len(own), len(other)) for other in seen):
            kept.append(passage)
            seen.append(own)
    return kept


def _shingles(text: str) -> frozenset[tuple[str, ...]]:
    words = _WORD.findall(text.lower())
    count = max(1, len(words) - _SHINGLE_WORDS + 1)
    return frozenset(tuple(words[first : first + _SHINGLE_WORDS]) for first in range(count))
