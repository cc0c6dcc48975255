"""Does the right passage come back? Ways of searching side by side, and how well "nothing found" is told.

A question counts as answered when a returned text contains the evidence. Figures are of the held-out half of
the questions; `python bench/retrieval.py tune` prints those of the other half, for choosing settings. With
`answers` only what is made of the passages is measured, which takes a few minutes less.
"""

import asyncio
import socket
import subprocess
import sys
import tempfile
import time
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from corpus import percentile
from qdrant_client import AsyncQdrantClient, models
from results import write_result
from retrieval_answers import judge_answers
from retrieval_questions import (
    BOTH,
    Question,
    Text,
    load_questions,
    load_texts,
    load_variants,
    rank_of,
    recall,
)

from twin_common.documents import Category, Chunk, text_hash
from twin_common.embedding import (
    Embedder,
    EmbeddingSettings,
    SparseEmbedder,
    load_embedder,
    load_sparse_embedder,
)
from twin_common.embedding.words import pack_words
from twin_common.identity import AuthorId, canonical_url, document_id, point_id
from twin_common.index_builds import ensure_collections
from twin_common.vector_index import BM25, CHUNKS, DENSE, WORDS, VectorIndexSettings, connect
from twin_feature_stream.chunking import ChunkingPolicy, chunk_texts
from twin_feature_stream.cleaning import clean
from twin_local.ports import free_port
from twin_rag_api.auth import KEY_PREFIX, Authenticator, AuthorScope, hash_key
from twin_rag_api.retrieval.encoding import Encoding
from twin_rag_api.retrieval.hybrid_search import FusionPolicy, HybridSearch, fused_query
from twin_rag_api.retrieval.late_interaction import LateInteraction
from twin_rag_api.retrieval.question_reader import QuestionReader
from twin_rag_api.retrieval.self_query import Reading
from twin_rag_api.retrieval.service import Retrieval

_DEPTH = 10
_PLAIN_CHUNKS = ChunkingPolicy(max_tokens=256, passage_tokens=1, step_tokens=256)
"""Chunks as long as the encoder's window, without overlap: what is done everywhere."""


class OneAuthorAKey:
    """Keys whose hashes were noted beforehand; there is no warehouse here."""

    def __init__(self) -> None:
        self._owners: dict[str, AuthorId] = {}

    async def owner(self, key_hash: str) -> AuthorId | None:
        return self._owners.get(key_hash)

    async def scope(self, author_id: AuthorId) -> AuthorScope:
        """A scope for this author, by way of a key like everybody's."""
        key = KEY_PREFIX + author_id
        self._owners[hash_key(key)] = author_id
        return await Authenticator(self).authenticate(key)


def main() -> None:
    """Measure, print a table, and write the result."""
    with _vector_server() as url:
        asyncio.run(_measure(url, held_out="tune" not in sys.argv, searches="answers" not in sys.argv))


@contextmanager
def _vector_server() -> Iterator[str]:
    """The local vector server on an empty folder."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="twin-bench-") as folder:
        command = [sys.executable, "-m", "twin_local.servers.vector", "--host", "127.0.0.1"]
        process = subprocess.Popen([*command, "--port", str(port), "--storage-path", folder])
        try:
            while not _answers(port):
                if process.poll() is not None:
                    sys.exit("the vector server did not start")
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


async def _measure(url: str, *, held_out: bool, searches: bool) -> None:
    embedder, sparse = load_embedder(EmbeddingSettings()), load_sparse_embedder()
    index = connect(VectorIndexSettings(url=url))
    await ensure_collections(index, embedder.model_name, embedder.dimensions)
    texts = load_texts()
    questions = [question for question in load_questions(texts) if question.held_out == held_out]
    chunks = await _fill(index, texts, embedder, sparse)
    encoding = Encoding(lambda _: (embedder, sparse))
    await encoding.load()
    keys = OneAuthorAKey()
    authors = {text.author_id for text in texts} | {BOTH}
    scopes = {author_id: await keys.scope(author_id) for author_id in authors}
    searched = HybridSearch(index)
    retrieval = Retrieval(encoding, searched, LateInteraction(searched), reader=QuestionReader())

    answers = await judge_answers(retrieval, encoding, scopes, questions)
    if held_out:
        write_result("retrieval_answers", answers | {"questions": len(questions)})
    if not searches:
        encoding.close()
        await index.close()
        return
    figures: dict[str, float] = {"documents": len(texts), "chunks": chunks, "questions": len(questions)}
    search = Variants(
        index,
        retrieval=retrieval,
        by_vectors=Retrieval(encoding, searched),
        encoding=encoding,
        scope=scopes[BOTH],
        plain_chunks=PlainChunks(texts, embedder),
    )
    figures |= await _recall(search, questions)
    figures |= await _latency(retrieval, scopes[BOTH], questions)
    encoding.close()
    await index.close()
    if held_out:
        write_result("retrieval", figures)


async def _fill(
    index: AsyncQdrantClient, texts: Sequence[Text], embedder: Embedder, sparse: SparseEmbedder
) -> int:
    """Index every text for its own corpus and for both together; the number of chunks."""
    cut = chunk_texts(_cleaned(texts), embedder.count_tokens, ChunkingPolicy(embedder.max_tokens))
    passages = [
        (text, number, passage)
        for text, own in zip(texts, cut, strict=True)
        for number, passage in enumerate(own)
    ]
    bodies = [passage.text for _, _, passage in passages]
    terms = sparse.embed_documents(bodies)
    vectors = [
        (vector, pack_words(words))
        for start in range(0, len(bodies), 256)
        for vector, words in zip(*embedder.embed_with_words(bodies[start : start + 256]), strict=True)
    ]
    points: list[models.PointStruct] = []
    for (text, number, passage), (vector, words), weights in zip(passages, vectors, terms, strict=True):
        for author_id in (text.author_id, BOTH):
            identity = document_id(author_id, canonical_url(text.url))
            chunk = Chunk(
                document_id=identity,
                author_id=author_id,
                version=1,
                chunk_index=number,
                category=Category.ARTICLE,
                platform="web",
                url=text.url,
                title=text.title,
                language=None,
                published_at=None,
                heading_path=passage.heading_path,
                start=passage.start,
                text=passage.text,
                text_hash=text_hash(passage.text),
                token_count=passage.token_count,
            )
            bm25 = models.SparseVector(indices=weights.indices, values=weights.values)
            points.append(
                models.PointStruct(
                    id=point_id(identity, number),
                    vector={DENSE: vector.tolist(), BM25: bm25},
                    payload=chunk.model_dump(mode="json") | {WORDS: words},
                )
            )
    for start in range(0, len(points), 256):
        await index.upsert(CHUNKS, points[start : start + 256])
    return len(passages)


def _cleaned(texts: Sequence[Text]) -> list[tuple[Category, str]]:
    return [(Category.ARTICLE, clean(text.text, Category.ARTICLE)) for text in texts]


# Recall.


class PlainChunks:
    """The usual way: long chunks, one vector each, the nearest first."""

    def __init__(self, texts: Sequence[Text], embedder: Embedder) -> None:
        cut = chunk_texts(_cleaned(texts), embedder.count_tokens, _PLAIN_CHUNKS)
        self._texts = [passage.text for own in cut for passage in own]
        self._vectors = embedder.embed(self._texts)

    def search(self, dense: Sequence[float]) -> list[str]:
        order = np.argsort(-(self._vectors @ np.array(dense, np.float32)))
        return [self._texts[position] for position in order[:_DEPTH]]


class Variants:
    """The ways of searching that are compared: `chosen` is the service, `by_vectors` compares no words."""

    def __init__(
        self,
        index: AsyncQdrantClient,
        *,
        retrieval: Retrieval,
        by_vectors: Retrieval,
        encoding: Encoding,
        scope: AuthorScope,
        plain_chunks: PlainChunks,
    ) -> None:
        self._index = index
        self._retrieval = retrieval
        self._by_vectors = by_vectors
        self._encoding = encoding
        self._scope = scope
        self._plain_chunks = plain_chunks
        self._variants = load_variants()

    async def texts(self, question: str) -> dict[str, list[str]]:
        """What each finds, best first."""
        dense, words, *_ = await self._encoding.question(unicodedata.normalize("NFKC", question))
        own = models.FieldCondition(key="author_id", match=models.MatchValue(value=self._scope.author_id))
        mine = models.Filter(must=[own])
        (_, by_words), _ = fused_query(dense, words, mine, mine, FusionPolicy(), candidates=50)
        by_meaning = models.Prefetch(query=dense, using=DENSE, filter=mine, limit=50)
        rrf = models.RrfQuery(rrf=models.Rrf())
        passages = await self._retrieval.search(self._scope, question, _DEPTH)
        by_vectors = await self._by_vectors.search(self._scope, question, _DEPTH)
        return await self._expanded(question) | {
            "plain_chunks": self._plain_chunks.search(dense),
            "dense": await self._points(query=dense, using=DENSE, query_filter=mine),
            "bm25": await self._points(
                query=by_words.query, using=BM25, query_filter=mine, search_params=by_words.params
            ),
            "rrf": await self._points(query=rrf, prefetch=[by_meaning, by_words], query_filter=mine),
            "chosen": [passage.text for passage in passages],
            "by_vectors": [passage.text for passage in by_vectors],
        }

    async def _expanded(self, question: str) -> dict[str, list[str]]:
        """`expanded`: with variants of a language model; only of questions that have some."""
        if question not in self._variants:
            return {}
        reading = Reading(question, question, variants=self._variants[question])
        found = await self._retrieval.find(self._scope, reading, _DEPTH)
        return {"expanded": [passage.text for passage in found.passages]}

    async def _points(self, **query: Any) -> list[str]:
        response = await self._index.query_points(CHUNKS, limit=_DEPTH, with_payload=True, **query)
        return [Chunk.model_validate(point.payload).text for point in response.points]


async def _recall(search: Variants, questions: Sequence[Question]) -> dict[str, float]:
    figures: dict[str, float] = {}
    ranks: dict[str, dict[str, list[int | None]]] = {}
    for question in questions:
        if question.evidence:
            for variant, found in (await search.texts(question.text)).items():
                of = ranks.setdefault(variant, {})
                for kind in (question.kind, "all"):
                    of.setdefault(kind, []).append(rank_of(found, question))
    print(f"{'search':14}{'questions':14}{'n':>4}     r@1    r@5   r@10    mrr")
    for variant, of in ranks.items():
        for kind, own in of.items():
            shares = recall(own)
            figures |= {f"{variant}_{kind}_{name}": share for name, share in shares.items()}
            print(f"{variant:14}{kind:14}{len(own):4}   " + "".join(f"{s:7.3f}" for s in shares.values()))
    return figures | recall(ranks["chosen"]["all"])


# Time.


async def _latency(
    retrieval: Retrieval, scope: AuthorScope, questions: Sequence[Question]
) -> dict[str, float]:
    seconds: list[float] = []
    for question in questions:
        began = time.perf_counter()
        await retrieval.search(scope, question.text, 10)
        seconds.append(time.perf_counter() - began)
    return {f"in_process_p{share}_ms": 1000 * percentile(seconds, share / 100) for share in (50, 95)}


if __name__ == "__main__":
    main()
