"""From linked pages to the passages of them that fit the request."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twin_common.documents import Category, Chunk, text_hash
from twin_common.identity import AuthorId, document_id
from twin_rag_api.generation.engines import Notice
from twin_rag_api.metrics import LINKS
from twin_rag_api.retrieval.encoding import Encoding
from twin_rag_api.retrieval.passages import Passage
from twin_rag_api.writing.link_fetch import LinkFailed, LinkFetcher
from twin_rag_api.writing.page_text import PageText, read_page

PLATFORM = "link"
_PARAGRAPH = re.compile(r"\n[ \t]*\n")
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+")


@dataclass(frozen=True)
class KnowledgePolicy:
    """How much of linked pages is read and used."""

    passages: int = 4
    """In all; every page that could be read gets one at least."""
    passage_characters: int = 1200
    encoded_passages: int = 32
    """Of all pages, those that share most words with the request; the encoder's time is the user's."""
    overlap_weight: float = 0.2


class Knowledge:
    """Fetches, reads, cuts and ranks."""

    def __init__(
        self, fetcher: LinkFetcher, encoding: Encoding, policy: KnowledgePolicy = KnowledgePolicy()
    ) -> None:
        self._fetcher = fetcher
        self._encoding = encoding
        self._policy = policy

    async def passages(
        self, author_id: AuthorId, links: Sequence[str], request: str
    ) -> tuple[list[Passage], list[Notice]]:
        """The best passages of the linked pages, best first, and a notice for each page that has a catch."""
        read = await asyncio.gather(*(self._read(link) for link in dict.fromkeys(links)))
        notices = [notice for _, notice in read if notice]
        pieces = [
            _chunk(author_id, page, number, piece)
            for page, _ in read
            if page
            for number, piece in enumerate(cut(page.text, self._policy.passage_characters))
        ]
        return await self._best(pieces, request), notices

    async def _read(self, link: str) -> tuple[PageText | None, Notice | None]:
        try:
            page = await read_page(await self._fetcher.fetch(link))
        except LinkFailed as failure:
            LINKS.labels(failure.reason).inc()
            return None, Notice(f"link_{failure.reason}", f"{link} was not used: {failure}.")
        LINKS.labels("read").inc()
        if page.read_pages < page.pages:
            only = f"only the first {page.read_pages} of its {page.pages} pages were read"
            return page, Notice("link_cut", f"{link}: {only}.")
        return page, None

    async def _best(self, pieces: Sequence[Chunk], request: str) -> list[Passage]:
        if not pieces:
            return []
        asked = self._encoding.terms_of_question(request)
        terms = self._encoding.terms([piece.text for piece in pieces])
        overlap = np.array([len(found & asked) / max(1, len(asked)) for found in terms])
        promising = np.argsort(-overlap, kind="stable")[: self._policy.encoded_passages]
        texts = [request, *(pieces[position].text for position in promising)]
        vectors = await self._encoding.sentences(texts)
        scores = vectors[1:] @ vectors[0] + self._policy.overlap_weight * overlap[promising]
        ranked = [
            Passage(pieces[promising[place]], float(scores[place]), pieces[promising[place]].text)
            for place in np.argsort(-scores, kind="stable")
        ]
        return spread(ranked, self._policy.passages)


def cut(text: str, characters: int) -> list[str]:
    """Paragraphs together up to a length; one that is longer is cut between sentences."""
    pieces: list[str] = []
    for paragraph in filter(None, (part.strip() for part in _PARAGRAPH.split(text))):
        sentences = [paragraph] if len(paragraph) <= characters else _SENTENCE_END.split(paragraph)
        for number, sentence in enumerate(sentences):
            gap = "\n\n" if number == 0 else " "
            if pieces and len(pieces[-1]) + len(gap) + len(sentence) <= characters:
                pieces[-1] += gap + sentence
            else:
                starts = range(0, len(sentence), characters)
                pieces += [sentence[start : start + characters] for start in starts]
    return pieces


def spread(ranked: Sequence[Passage], count: int) -> list[Passage]:
    """The best, with the best of every page among them as far as there is room, best first."""
    first: dict[str, int] = {}
    for place, passage in enumerate(ranked):
        first.setdefault(passage.chunk.document_id, place)
    places = [*first.values(), *(place for place in range(len(ranked)) if place not in first.values())]
    return [ranked[place] for place in sorted(places[:count])]


def _chunk(author_id: AuthorId, page: PageText, number: int, text: str) -> Chunk:
    """A piece of a page in the shape of the author's own passages; it is in no index."""
    return Chunk(
        document_id=document_id(author_id, page.url),
        author_id=author_id,
        version=1,
        chunk_index=number,
        category=Category.ARTICLE,
        platform=PLATFORM,
        title=page.title or page.url,
        url=page.url,
        text=text,
        text_hash=text_hash(text),
        token_count=max(1, len(text) // 4),
        language=None,
        published_at=None,
        start=0,
    )
