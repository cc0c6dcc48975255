"""Citations in an answer: which it makes, and the removal of those that point at nothing."""

import re
from collections.abc import AsyncGenerator, Collection

from twin_rag_api.generation.engines import Piece, Text

_CITATION = re.compile(r"(?P<space>[ \t]*)\[(?P<numbers>\d{1,4}(?:\s*,\s*\d{1,4})*)\]")
_TOKEN = re.compile(rf"(?P<ticks>`+)|{_CITATION.pattern}")
_UNFINISHED = re.compile(r"(?:[ \t]*\[[\d,\s]{0,64}|[ \t]+|`+)\Z")


class CitationFilter:
    """Lets an answer through as it streams, without the citations that no source has a number for.

    Code between backticks is left as it is: there, brackets with numbers mean something else. How the
    answer is cut into pieces makes no difference to what comes out.
    """

    def __init__(self, numbers: Collection[int]) -> None:
        self._numbers = frozenset(numbers)
        self._held = ""
        self._code_fence: str | None = None
        self._cited: list[int] = []

    def feed(self, text: str) -> Text:
        """The part of the answer that is certain after `text` was added."""
        self._held += text
        unfinished = _UNFINISHED.search(self._held)
        end = unfinished.start() if unfinished else len(self._held)
        certain, self._held = self._held[:end], self._held[end:]
        return self._pass(certain)

    def finish(self) -> Text:
        """The rest, once the answer has ended."""
        certain, self._held = self._held, ""
        return self._pass(certain)

    def _pass(self, text: str) -> Text:
        self._cited = []
        passed = _TOKEN.sub(self._replace, text)
        return Text(passed, tuple(dict.fromkeys(self._cited)))

    def _replace(self, match: re.Match[str]) -> str:
        ticks = match["ticks"]
        if ticks:
            if self._code_fence is None:
                self._code_fence = ticks
            elif self._code_fence == ticks:
                self._code_fence = None
            return ticks
        if self._code_fence is not None:
            return match.group()
        numbers = [int(number) for number in match["numbers"].split(",")]
        kept = [number for number in dict.fromkeys(numbers) if number in self._numbers]
        self._cited += kept
        return f"{match['space']}[{', '.join(map(str, kept))}]" if kept else ""


async def with_valid_citations(
    pieces: AsyncGenerator[Piece, None], numbers: Collection[int]
) -> AsyncGenerator[Piece, None]:
    """A model's pieces, their text filtered."""
    citations = CitationFilter(numbers)
    async for piece in pieces:
        passed = citations.feed(piece.text) if isinstance(piece, Text) else citations.finish()
        if passed.text:
            yield passed
        if not isinstance(piece, Text):
            yield piece
