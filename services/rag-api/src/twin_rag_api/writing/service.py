"""What a text is written from: facts of the owner's documents and of links, and examples of the style."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from twin_rag_api.auth import AuthorScope
from twin_rag_api.generation.engines import Notice, Source
from twin_rag_api.generation.service import Answers
from twin_rag_api.retrieval.passages import SearchFilters
from twin_rag_api.retrieval.service import Retrieval
from twin_rag_api.writing.knowledge import Knowledge
from twin_rag_api.writing.presets import Preset

_STYLE_EXAMPLES = 3
_LONGEST_QUERY = 2000


@dataclass(frozen=True)
class Material:
    """What an engine is given besides the request."""

    sources: tuple[Source, ...]
    style_examples: tuple[str, ...]
    notices: tuple[Notice, ...]
    links: frozenset[str]


class Writing:
    """Gathers material; facts, examples and links are looked for at the same time."""

    def __init__(self, answers: Answers, retrieval: Retrieval, knowledge: Knowledge) -> None:
        self._answers = answers
        self._retrieval = retrieval
        self._knowledge = knowledge

    async def gather(
        self, scope: AuthorScope, preset: Preset, idea: str, skeleton: str | None, links: Sequence[str]
    ) -> Material:
        """The material for a text: passages of links first, since the request names them.

        Raises:
            NotReady: the encoder or the collection is not there yet.
            ServerUnavailable: the vector index does not answer.
        """
        request = f"{idea}\n{skeleton or ''}".strip()[:_LONGEST_QUERY]
        own, style, (linked, notices) = await asyncio.gather(
            self._answers.find_sources(scope, request),
            self._style(scope, preset, request),
            self._knowledge.passages(scope.author_id, links, request),
        )
        passages = [(passage, True) for passage in linked] + [
            (source.passage, False) for source in own.sources
        ]
        sources = tuple(
            Source(number, passage, linked=is_linked)
            for number, (passage, is_linked) in enumerate(passages, start=1)
        )
        given = frozenset(links) | {passage.chunk.url for passage in linked}
        return Material(sources, style, tuple(notices), given)

    async def _style(self, scope: AuthorScope, preset: Preset, request: str) -> tuple[str, ...]:
        """Texts of that kind: of the platform, or where there are none of the category."""
        filters = [SearchFilters(category=preset.category)]
        if preset.platform:
            filters.insert(0, SearchFilters(category=preset.category, platform=preset.platform))
        for wanted in filters:
            found = await self._retrieval.search(scope, request, _STYLE_EXAMPLES, wanted)
            if found:
                return tuple(passage.text for passage in found)
        return ()
