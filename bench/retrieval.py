"""Does the right passage come first? Variants of search side by side, and how well "nothing found" is told.

Corpus: the notes of the sample site and, where they are present, the real articles, in the local vector
server. A document counts as found when any of its passages is; evidence counts as found when the very passage
with the quoted words is.
"""

import asyncio
import json
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus import REPOSITORY, articles_file, percentile
from qdrant_client import AsyncQdrantClient, models
from results import write_result

from twin_common.documents import Category, Chunk, text_hash
from twin_common.embedding import (
    Embedder,
    EmbeddingSettings,
    SparseEmbedder,
    load_embedder,
    load_sparse_embedder,
)
from twin_common.identity import AuthorId, canonical_url, document_id, point_id
from twin_common.index_builds import ensure_collections
from twin_common.vector_index import BM25, CHUNKS, DENSE, VectorIndexSettings, connect
from twin_crawler.extraction import ExtractedPage, extract_page
from twin_feature_stream.chunking import ChunkingPolicy, chunk_texts
from twin_feature_stream.cleaning import clean
from twin_local.ports import free_port
from twin_rag_api.auth import KEY_PREFIX, Authenticator, AuthorScope, hash_key
from twin_rag_api.generation.relevance import is_answerable
from twin_rag_api.retrieval.encoding import Encoding
from twin_rag_api.retrieval.hybrid_search import FusionPolicy, HybridSearch, fused_query
from twin_rag_api.retrieval.service import Retrieval

SITE, ARTICLES, BOTH = AuthorId("site"), AuthorId("articles"), AuthorId("both")
_SITE_URL = "http://site.example"
_DEPTH = 50
_CUTS = (1, 5, 10)
_DECORATION = re.compile(r"[\s\\*_>`#|\[\]]+")
_LINK = re.compile(r"\]\([^)]*\)")


@dataclass(frozen=True)
class Question:
    """A question with what answers it; nothing does when it is unanswerable."""

    text: str
    kind: str
    corpus: AuthorId
    expected: frozenset[str]
    evidence: str


@dataclass(frozen=True)
class Text:
    """A document of the corpus."""

    author_id: AuthorId
    url: str
    title: str
    text: str


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
        asyncio.run(_measure(url))


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


async def _measure(url: str) -> None:
    embedder, sparse = load_embedder(EmbeddingSettings()), load_sparse_embedder()
    index = connect(VectorIndexSettings(url=url))
    await ensure_collections(index, embedder.model_name, embedder.dimensions)
    texts = [*_site(), *_articles()]
    chunks = await _fill(index, texts, embedder, sparse)
    encoding = Encoding(lambda _: (embedder, sparse))
    await encoding.load()
    keys = OneAuthorAKey()
    scopes = {author_id: await keys.scope(author_id) for author_id in (SITE, ARTICLES, BOTH)}
    retrieval = Retrieval(encoding, HybridSearch(index))
    present = {text.author_id for text in texts}
    questions = [question for question in _questions() if question.corpus in present]

    figures: dict[str, float] = {"documents": len(texts), "chunks": chunks, "questions": len(questions)}
    figures |= await _recall(index, retrieval, encoding, scopes[BOTH], questions)
    figures |= await _refusals(retrieval, scopes, questions)
    figures |= await _latency(retrieval, scopes[BOTH], questions)
    encoding.close()
    await index.close()
    write_result("retrieval", figures)


# The corpus and the questions.


def _site() -> Iterator[Text]:
    for path in sorted((REPOSITORY / "samples/site/articles").glob("*.html")):
        url = f"{_SITE_URL}/articles/{path.name}"
        page = extract_page(path.read_bytes(), url)
        if isinstance(page, ExtractedPage):
            yield Text(SITE, url, page.title, page.text)


def _articles() -> Iterator[Text]:
    if articles_file().name != "articles.jsonl":
        return
    for row in _json_lines(articles_file()):
        yield Text(ARTICLES, row["link"], row["title"], row["text"])


def _questions() -> Iterator[Question]:
    for row in _json_lines(REPOSITORY / "samples/questions.jsonl"):
        urls = [_SITE_URL + row["expected_url"]] if row["expected_url"] else []
        yield Question(row["question"], row["kind"], SITE, frozenset(urls), row["evidence"] or "")
    for row in _json_lines(REPOSITORY / "bench/questions_articles.jsonl"):
        urls = row.get("expected_urls", [])
        yield Question(row["question"], row["kind"], ARTICLES, frozenset(urls), row.get("evidence", ""))


def _json_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


async def _fill(
    index: AsyncQdrantClient, texts: Sequence[Text], embedder: Embedder, sparse: SparseEmbedder
) -> int:
    """Index every text for its own corpus and for both together; the number of chunks."""
    cleaned = [(Category.ARTICLE, clean(text.text, Category.ARTICLE)) for text in texts]
    cut = chunk_texts(cleaned, embedder.count_tokens, ChunkingPolicy(embedder.max_tokens))
    passages = [
        (text, number, passage)
        for text, own in zip(texts, cut, strict=True)
        for number, passage in enumerate(own)
    ]
    bodies = [passage.text for _, _, passage in passages]
    dense, words = embedder.embed(bodies), sparse.embed_documents(bodies)
    points: list[models.PointStruct] = []
    for (text, number, passage), vector, weights in zip(passages, dense, words, strict=True):
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
                text=passage.text,
                text_hash=text_hash(passage.text),
                token_count=passage.token_count,
            )
            bm25 = models.SparseVector(indices=weights.indices, values=weights.values)
            points.append(
                models.PointStruct(
                    id=point_id(identity, number),
                    vector={DENSE: vector.tolist(), BM25: bm25},
                    payload=chunk.model_dump(mode="json"),
                )
            )
    for start in range(0, len(points), 256):
        await index.upsert(CHUNKS, points[start : start + 256])
    return len(passages)


# Recall.


async def _recall(
    index: AsyncQdrantClient,
    retrieval: Retrieval,
    encoding: Encoding,
    scope: AuthorScope,
    questions: Sequence[Question],
) -> dict[str, float]:
    figures: dict[str, float] = {}
    ranks: dict[tuple[str, str], list[tuple[int | None, int | None]]] = {}
    for question in questions:
        if question.expected:
            for variant, found in (await _variants(index, retrieval, encoding, scope, question.text)).items():
                ranks.setdefault((variant, question.kind), []).append(_ranks(found, question))
    columns = "   r@1    r@5   r@10    mrr"
    print(f"{'variant':14}{'questions':14}{'n':>4}   documents{columns}   evidence{columns}")
    for variant in dict.fromkeys(variant for variant, _ in ranks):
        kinds = [kind for name, kind in ranks if name == variant]
        for kind in [*kinds, "all"]:
            own = [
                pair
                for name, of in ranks
                if name == variant and kind in (of, "all")
                for pair in ranks[name, of]
            ]
            row = []
            for level, position in (("document", 0), ("evidence", 1)):
                scores = _scores([pair[position] for pair in own])
                row.append("  ".join(f"{score:.3f}" for score in scores.values()))
                figures |= {f"{variant}_{kind}_{level}_{name}": score for name, score in scores.items()}
                if (variant, kind, level) == ("chosen", "all", "document"):
                    figures |= scores
            print(f"{variant:14}{kind:14}{len(own):4}               {row[0]}             {row[1]}")
    return figures


async def _variants(
    index: AsyncQdrantClient, retrieval: Retrieval, encoding: Encoding, scope: AuthorScope, question: str
) -> dict[str, list[Chunk]]:
    """What each way of searching finds, best first; `chosen` is the service itself."""
    dense, words, _ = await encoding.question(unicodedata.normalize("NFKC", question))
    mine = models.Filter(
        must=[models.FieldCondition(key="author_id", match=models.MatchValue(value=scope.author_id))]
    )
    (_, by_words), _ = fused_query(dense, words, mine, mine, FusionPolicy(candidates=_DEPTH))
    by_meaning = models.Prefetch(query=dense, using=DENSE, filter=mine, limit=_DEPTH)
    fusions: dict[str, models.Rrf] = {
        "rrf": models.Rrf(),
        "rrf_k60": models.Rrf(k=60),
        "rrf_6_to_1": models.Rrf(weights=[6.0, 1.0]),
    }
    found = {
        "dense": await _points(index, query=dense, using=DENSE, query_filter=mine),
        "bm25": await _points(
            index, query=by_words.query, using=BM25, query_filter=mine, search_params=by_words.params
        ),
    }
    for name, rrf in fusions.items():
        query = models.RrfQuery(rrf=rrf)
        found[name] = await _points(index, query=query, prefetch=[by_meaning, by_words], query_filter=mine)
    found["chosen"] = [passage.chunk for passage in await retrieval.search(scope, question, _DEPTH)]
    return found


async def _points(index: AsyncQdrantClient, **query: Any) -> list[Chunk]:
    response = await index.query_points(CHUNKS, limit=_DEPTH, with_payload=True, **query)
    return [Chunk.model_validate(point.payload) for point in response.points]


def _ranks(found: Sequence[Chunk], question: Question) -> tuple[int | None, int | None]:
    """Ranks, from 1 on, of the first right document and of the first passage with the evidence."""
    documents = list(dict.fromkeys(chunk.url for chunk in found))
    document = next((rank for rank, url in enumerate(documents, 1) if url in question.expected), None)
    evidence = _plain(question.evidence)
    passage = next((rank for rank, chunk in enumerate(found, 1) if evidence in _plain(chunk.text)), None)
    return document, passage


def _plain(text: str) -> str:
    """Without the marks of Markdown, which extraction adds and a quote lacks."""
    bare = _LINK.sub("] ", unicodedata.normalize("NFKC", text))
    return _DECORATION.sub(" ", bare).casefold().strip()


def _scores(ranks: Sequence[int | None]) -> dict[str, float]:
    recall = {
        f"recall_at_{cut}": statistics.mean(rank is not None and rank <= cut for rank in ranks)
        for cut in _CUTS
    }
    return recall | {"mrr": statistics.mean(1 / rank if rank else 0.0 for rank in ranks)}


# "Nothing found", and time.


async def _refusals(
    retrieval: Retrieval, scopes: dict[AuthorId, AuthorScope], questions: Sequence[Question]
) -> dict[str, float]:
    refused: dict[str, list[bool]] = {}
    for question in questions:
        scope = scopes[question.corpus]
        passages = await retrieval.search(scope, question.text, 5)
        unknown, names = await retrieval.unknown_names(scope, question.text)
        sort = "unanswerable" if question.kind == "unanswerable" else "answerable"
        answerable = is_answerable(passages, unknown, names)
        refused.setdefault(f"{question.corpus}_{sort}_refused", []).append(not answerable)
        if answerable == (sort == "unanswerable"):
            score = passages[0].score if passages else 0.0
            print(f"  {sort} but {'not ' if answerable else ''}refused, {score:.2f}: {question.text}")
    figures = {name: statistics.mean(values) for name, values in refused.items()}
    for name, share in figures.items():
        print(f"{name:32} {share:.3f} of {len(refused[name])}")
    return figures


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
