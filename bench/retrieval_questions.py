"""The texts that are searched and the questions asked of them, with what counts as found."""

import json
import re
import statistics
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus import REPOSITORY, articles_file

from twin_common.identity import AuthorId
from twin_crawler.extraction import ExtractedPage, extract_page

SITE, ARTICLES, BOTH = AuthorId("site"), AuthorId("articles"), AuthorId("both")
_SITE_URL = "http://site.example"
_CUTS = (1, 5, 10)
_WORD = re.compile(r"\w+")
_LINK = re.compile(r"\]\([^)]*\)")


@dataclass(frozen=True)
class Text:
    """A document of the corpus."""

    author_id: AuthorId
    url: str
    title: str
    text: str


@dataclass(frozen=True)
class Question:
    """A question, the words that answer it, and the documents in which they stand."""

    text: str
    kind: str
    corpus: AuthorId
    evidence: str
    """Empty when nothing answers it."""
    urls: frozenset[str]
    held_out: bool
    """Whether figures may be reported on it; the others are for tuning."""


def load_texts() -> list[Text]:
    """The notes of the sample site and, where they are present, the real articles."""
    return [*_site(), *_articles()]


def load_questions(texts: Sequence[Text]) -> list[Question]:
    """The questions whose corpus is present; every second one is held out.

    Raises:
        ValueError: the evidence of a question stands in no text.
    """
    rows = [(SITE, row) for row in _json_lines(REPOSITORY / "samples/questions.jsonl")]
    rows += [(ARTICLES, row) for row in _json_lines(REPOSITORY / "bench/questions_articles.jsonl")]
    words = [(text.author_id, text.url, plain(text.text)) for text in texts]
    present = {text.author_id for text in texts}
    found = []
    for number, (corpus, row) in enumerate(row for row in rows if row[0] in present):
        evidence = row["evidence"] or ""
        urls = frozenset(url for owner, url, body in words if owner == corpus and plain(evidence) in body)
        if evidence and not urls:
            raise ValueError(f"{row['id']}: no text of {corpus} contains {evidence!r}")
        answered = urls if evidence else frozenset[str]()
        found.append(Question(row["question"], row["kind"], corpus, evidence, answered, number % 2 == 1))
    return found


def load_variants() -> dict[str, tuple[str, ...]]:
    """Other ways to put the paraphrased questions that are held out, by question.

    A large language model wrote them of the questions alone, as the service would have it do, and they are
    kept so that the figures can be drawn again without it.
    """
    rows = _json_lines(REPOSITORY / "bench/question_variants.jsonl")
    return {row["question"]: tuple(row["variants"]) for row in rows}


def plain(text: str) -> str:
    """The words alone: extraction adds marks of Markdown, and lines break elsewhere."""
    bare = _LINK.sub("] ", unicodedata.normalize("NFKC", text))
    return " ".join(_WORD.findall(bare.replace("_", " ").casefold()))


def rank_of(found: Sequence[str], question: Question) -> int | None:
    """The rank, from 1 on, of the first returned text that contains the evidence."""
    evidence = plain(question.evidence)
    return next((rank for rank, text in enumerate(found, 1) if evidence in plain(text)), None)


def recall(ranks: Sequence[int | None]) -> dict[str, float]:
    """Shares of questions answered among the first 1, 5 and 10, and the mean reciprocal rank."""
    shares = {
        f"recall_at_{cut}": statistics.mean(rank is not None and rank <= cut for rank in ranks)
        for cut in _CUTS
    }
    return shares | {"mrr": statistics.mean(1 / rank if rank else 0.0 for rank in ranks)}


def _site() -> Iterator[Text]:
    for path in sorted((REPOSITORY / "samples/site/articles").glob("*.html")):
        url = f"{_SITE_URL}/articles/{path.name}"
        page = extract_page(path.read_bytes(), url)
        if isinstance(page, ExtractedPage):
            yield Text(SITE, url, page.title, page.text)


def _articles() -> Iterator[Text]:
    if articles_file().name == "articles.jsonl":
        for row in _json_lines(articles_file()):
            yield Text(ARTICLES, row["link"], row["title"], row["text"])


def _json_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
