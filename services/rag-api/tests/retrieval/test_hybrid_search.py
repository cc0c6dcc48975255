"""The one query: alike on every engine, filtered always, and never harmed by words."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qdrant_client import AsyncQdrantClient

from twin_common.documents import Category, Chunk
from twin_common.errors import ServerUnavailable
from twin_common.identity import AuthorId
from twin_common.vector_index import VectorIndexSettings, connect
from twin_rag_api.auth import Authenticator, AuthorScope, hash_key
from twin_rag_api.errors import NotReady
from twin_rag_api.retrieval.hybrid_search import FusionPolicy, HybridSearch
from twin_rag_api.retrieval.passages import EVERYTHING, Passage, SearchFilters, without_superseded

from ..conftest import ADA, BOB, EMBEDDER, NOW, SPARSE, chunk, put_chunks

WORDS = ["engine", "harbour", "rope", "tide", "lamp", "offset", "broker", "shard", "deck", "winch"]


class Directory:
    async def owner(self, key_hash: str) -> AuthorId | None:
        return {hash_key(f"twin_{author}"): author for author in (ADA, BOB)}.get(key_hash)


async def scope_of(author_id: AuthorId) -> AuthorScope:
    return await Authenticator(Directory()).authenticate(f"twin_{author_id}")


async def search(
    index: AsyncQdrantClient,
    question: str,
    author_id: AuthorId = ADA,
    filters: SearchFilters = EVERYTHING,
    limit: int = 10,
) -> list[Passage]:
    dense, sparse = EMBEDDER.embed([question])[0].tolist(), SPARSE.embed_query(question)
    return await HybridSearch(index).search(await scope_of(author_id), dense, sparse, filters, limit)


def random_text(generator: np.random.Generator, words: int = 30) -> str:
    return " ".join(generator.choice(WORDS, words))


class TestScore:
    async def test_it_is_the_cosine_plus_a_bounded_bonus(self, any_index: AsyncQdrantClient) -> None:
        generator = np.random.default_rng(1)
        await put_chunks(any_index, [chunk(random_text(generator), path=f"/{n}") for n in range(120)])
        question = "how does the winch hold the rope on deck"
        vector = EMBEDDER.embed([question])[0]
        policy = FusionPolicy()
        found = await search(any_index, question, limit=50)
        assert len(found) == 50
        most = policy.bm25_weight * (policy.bm25_cap - policy.bm25_floor)
        for passage in found:
            cosine = float(EMBEDDER.embed([passage.chunk.text])[0] @ vector)
            assert cosine - 1e-4 <= passage.score <= cosine + most + 1e-4
        assert [passage.score for passage in found] == sorted((p.score for p in found), reverse=True)

    async def test_a_code_is_found_by_its_very_letters(self, any_index: AsyncQdrantClient) -> None:
        generator = np.random.default_rng(2)
        chunks = [chunk(random_text(generator, 60), path=f"/{n}") for n in range(150)]
        await put_chunks(any_index, [*chunks, chunk(random_text(generator, 60) + " KX-4471-B", path="/code")])
        assert (await search(any_index, "engine offset KX-4471-B"))[0].chunk.url.endswith("/code")

    async def test_words_alone_bring_in_what_meaning_missed(self, any_index: AsyncQdrantClient) -> None:
        near = [chunk("tide tide tide lamp", path=f"/{n}") for n in range(60)]
        await put_chunks(any_index, [*near, chunk(" ".join(WORDS) + " zyx-77", path="/far")])
        found = await search(any_index, "tide lamp zyx-77", limit=50)
        assert any(passage.chunk.url.endswith("/far") for passage in found)


class TestAuthor:
    async def test_over_many_questions_nothing_of_another_author(self, any_index: AsyncQdrantClient) -> None:
        generator = np.random.default_rng(3)
        for author in (ADA, BOB):
            await put_chunks(any_index, [chunk(random_text(generator), author, f"/{n}") for n in range(60)])
        for _ in range(40):
            question = random_text(generator, 6)
            for author in (ADA, BOB):
                found = await search(any_index, question, author, limit=50)
                assert found
                assert {passage.chunk.author_id for passage in found} == {author}

    async def test_not_even_by_the_id_of_the_others_document(self, any_index: AsyncQdrantClient) -> None:
        theirs = chunk("tide lamp", BOB)
        await put_chunks(any_index, [theirs, chunk("tide lamp", ADA)])
        assert await search(any_index, "tide", ADA, SearchFilters(document_id=theirs.document_id)) == []

    async def test_another_authors_texts_change_no_score(self, any_index: AsyncQdrantClient) -> None:
        generator = np.random.default_rng(4)
        await put_chunks(any_index, [chunk(random_text(generator), ADA, f"/{n}") for n in range(40)])
        before = await search(any_index, "winch rope deck")
        await put_chunks(any_index, [chunk("winch rope", BOB, f"/{n}") for n in range(200)])
        after = await search(any_index, "winch rope deck")
        assert [p.score for p in after] == pytest.approx([p.score for p in before], abs=1e-5)

    async def test_what_occurs_is_told_of_ones_own_texts_only(self, any_index: AsyncQdrantClient) -> None:
        await put_chunks(any_index, [chunk("winch", ADA), chunk("anchor", BOB)])
        winch, anchor = SPARSE.embed_query("winch").indices[0], SPARSE.embed_query("anchor").indices[0]
        index = HybridSearch(any_index)
        assert await index.occurring(await scope_of(ADA), [winch, anchor]) == {winch}
        assert await index.occurring(await scope_of(ADA), []) == set()


class TestFilters:
    @pytest.mark.parametrize(
        ("filters", "expected"),
        [
            (EVERYTHING, {"/article", "/post", "/old", "/german"}),
            (SearchFilters(category=Category.POST), {"/post"}),
            (SearchFilters(platform="substack"), {"/post"}),
            (SearchFilters(language="de"), {"/german"}),
            (SearchFilters(published_after=NOW), {"/article", "/post", "/german"}),
            (SearchFilters(published_before=NOW), {"/old"}),
            (SearchFilters(published_after=NOW - timedelta(days=9), published_before=NOW), set()),
            (SearchFilters(category=Category.POST, language="de"), set()),
        ],
    )
    async def test_each_narrows_both_searches(
        self, any_index: AsyncQdrantClient, filters: SearchFilters, expected: set[str]
    ) -> None:
        old: datetime = NOW - timedelta(days=30)
        await put_chunks(
            any_index,
            [
                chunk("tide lamp", path="/article"),
                chunk("tide lamp", path="/post", category=Category.POST, platform="substack"),
                chunk("tide lamp", path="/old", published_at=old),
                chunk("tide lamp", path="/german", language="de"),
            ],
        )
        found = await search(any_index, "tide", filters=filters)
        assert {passage.chunk.url.removeprefix("https://ada.example") for passage in found} == expected


class TestFailures:
    async def test_an_index_that_is_away(self) -> None:
        away = connect(VectorIndexSettings(url="http://127.0.0.1:1"))
        with pytest.raises(ServerUnavailable):
            await search(away, "tide")

    async def test_a_collection_that_is_not_there_yet(self, index: AsyncQdrantClient) -> None:
        for entry in (await index.get_aliases()).aliases:
            await index.delete_collection(entry.collection_name)
        with pytest.raises(NotReady, match="chunks"):
            await search(index, "tide")


def passages(entries: list[tuple[str, int]]) -> list[Passage]:
    def of(path: str, version: int) -> Chunk:
        changed: dict[str, Any] = {"version": version}
        return chunk("text", path=path, **changed)

    return [Passage(of(path, version), 1.0, "text") for path, version in entries]


class TestSuperseded:
    @given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 4))))
    def test_of_each_document_only_the_newest_version_stays(self, entries: list[tuple[str, int]]) -> None:
        given_passages = passages(entries)
        kept = without_superseded(given_passages)
        newest = {path: max(v for p, v in entries if p == path) for path, _ in entries}
        assert kept == [p for p, (path, v) in zip(given_passages, entries, strict=True) if v == newest[path]]
