"""What a reader gets of what was found."""

from hypothesis import given
from hypothesis import strategies as st
from qdrant_client import AsyncQdrantClient

from twin_common.documents import Chunk
from twin_rag_api.retrieval.context import neighbour_ids, widened, without_repeats
from twin_rag_api.retrieval.hybrid_search import HybridSearch
from twin_rag_api.retrieval.passages import Passage
from twin_rag_api.retrieval.stretches import Stretch, StretchPolicy

from ..conftest import BOB, chunk, put_chunks
from .test_hybrid_search import scope_of

POLICY = StretchPolicy(tokens=20)
STEP = 5

_documents = st.lists(st.text("abcdefg", min_size=1, max_size=6), min_size=1, max_size=80)


def windows(words: list[str], path: str = "/a") -> tuple[str, list[Chunk]]:
    """A text of these words and its chunks: windows of two steps, one beginning at each step."""
    text = " ".join(words)
    starts = [0]
    for word in words:
        starts.append(starts[-1] + len(word) + 1)
    chunks = []
    for index, first in enumerate(range(0, max(1, len(words) - STEP), STEP)):
        part = words[first : first + 2 * STEP]
        body = " ".join(part)
        chunks.append(chunk(body, path=path, chunk_index=index, start=starts[first], token_count=len(part)))
    return text, chunks


def found(of: Chunk, score: float = 0.5) -> Passage:
    return Passage(of, score, of.text)


def stretch(of: Chunk, first: int | None = None, last: int | None = None) -> Stretch:
    """What one chunk, and all between `first` and `last`, are returned as."""
    index = of.chunk_index
    return Stretch(found(of), index if first is None else first, index if last is None else last, 0.5)


class TestWidened:
    @given(_documents, st.integers(0, 100))
    def test_it_is_a_stretch_of_the_text_around_what_was_found(self, words: list[str], which: int) -> None:
        text, chunks = windows(words)
        around = {(one.document_id, one.chunk_index): one for one in chunks}
        hit = chunks[which % len(chunks)]
        wide = widened(stretch(hit), around, POLICY).text
        assert wide in text
        assert hit.text in wide
        assert len(wide.split()) <= max(POLICY.tokens + STEP, hit.token_count)
        if len(chunks) > 1:
            assert len(wide.split()) > hit.token_count or hit.token_count >= POLICY.tokens - STEP

    def test_all_that_was_found_in_it_comes_before_what_surrounds_it(self) -> None:
        _, chunks = windows([f"w{number}" for number in range(60)])
        around = {(one.document_id, one.chunk_index): one for one in chunks}
        assert widened(stretch(chunks[4], first=2), around, POLICY).text.split()[0] == "w10"
        assert widened(stretch(chunks[4], last=6), around, POLICY).text.split()[-1] == "w39"

    def test_chunks_that_do_not_overlap_are_paragraphs_apart(self) -> None:
        first = chunk("One.", chunk_index=0, start=0, token_count=2)
        second = chunk("Two.", chunk_index=1, start=6, token_count=2)
        around = {(one.document_id, one.chunk_index): one for one in (first, second)}
        assert widened(stretch(second), around, POLICY).text == "One.\n\nTwo."
        assert widened(stretch(first), around, POLICY).text == "One.\n\nTwo."

    def test_of_another_version_nothing_is_taken(self) -> None:
        first = chunk("One.", chunk_index=0, token_count=2)
        newer = chunk("Two.", chunk_index=1, start=6, token_count=2, version=2)
        around = {(newer.document_id, 1): newer}
        assert widened(stretch(first), around, POLICY).text == "One."


class TestRepeats:
    def test_a_text_published_twice_is_told_once(self) -> None:
        words = " ".join(f"word{number}" for number in range(40))
        passages = [
            found(chunk(words)),
            found(chunk(f"{words} and some more", path="/b")),
            found(chunk("something else entirely", path="/c")),
        ]
        assert without_repeats(passages) == [passages[0], passages[2]]

    def test_short_texts_are_compared_whole(self) -> None:
        passages = [found(chunk(text, path=f"/{n}")) for n, text in enumerate(("tide 1", "tide 2", "tide 1"))]
        assert without_repeats(passages) == passages[:2]


class TestNeighbours:
    async def test_they_come_from_the_authors_own_chunks_only(self, any_index: AsyncQdrantClient) -> None:
        _, chunks = windows([f"w{number}" for number in range(60)])
        await put_chunks(any_index, chunks)
        hit = stretch(chunks[5], last=6)
        search = HybridSearch(any_index)
        scope = await scope_of(chunks[0].author_id)
        around = await search.chunks(scope, neighbour_ids([hit]))
        assert sorted(index for _, index in around) == list(range(len(chunks)))
        assert around[chunks[4].document_id, 4] == chunks[4]
        assert await search.chunks(await scope_of(BOB), neighbour_ids([hit])) == {}
