"""What a search takes and gives."""

from dataclasses import dataclass
from datetime import datetime

from twin_common.documents import Category, Chunk


@dataclass(frozen=True)
class SearchFilters:
    """Which of the author's passages are searched; None leaves a property open."""

    category: Category | None = None
    platform: str | None = None
    language: str | None = None
    published_after: datetime | None = None
    """At this moment or later."""
    published_before: datetime | None = None
    """Strictly earlier than this moment."""
    document_id: str | None = None


EVERYTHING = SearchFilters()
"""No filter: all of the author's passages."""


@dataclass(frozen=True)
class Passage:
    """What was found: a chunk, and what a reader gets of it."""

    chunk: Chunk
    score: float
    """Soft maximum, over its chunks, of cosine plus what shared rare words add; higher is better."""
    text: str
    """The chunk's text with its surroundings."""


def without_superseded(passages: list[Passage]) -> list[Passage]:
    """Leave out passages of older versions where a newer version of the same document was found too.

    An edit writes the new chunks first and removes the old ones a moment later.
    """
    newest: dict[str, int] = {}
    for passage in passages:
        chunk = passage.chunk
        newest[chunk.document_id] = max(chunk.version, newest.get(chunk.document_id, 0))
    return [passage for passage in passages if passage.chunk.version == newest[passage.chunk.document_id]]
