"""What is made of the passages that were found: whether an answer is tried, and what it rests on."""

import re
import statistics
from collections.abc import Sequence

from retrieval_questions import Question, plain

from twin_common.identity import AuthorId
from twin_rag_api.auth import AuthorScope
from twin_rag_api.generation.engines import Source, Task
from twin_rag_api.generation.engines import Text as Said
from twin_rag_api.generation.extractive import ExtractiveEngine
from twin_rag_api.generation.relevance import is_answerable
from twin_rag_api.retrieval.encoding import Encoding
from twin_rag_api.retrieval.service import Retrieval


async def refusals(
    retrieval: Retrieval, scopes: dict[AuthorId, AuthorScope], questions: Sequence[Question]
) -> dict[str, float]:
    """The shares of questions that "nothing found" is said to, of those with an answer and of the others."""
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


async def grounding(
    retrieval: Retrieval,
    encoding: Encoding,
    scopes: dict[AuthorId, AuthorScope],
    questions: Sequence[Question],
) -> dict[str, float]:
    """The share of extractive answers whose every quote stands word for word in the source it cites."""
    engine = ExtractiveEngine(encoding)
    grounded: list[bool] = []
    with_evidence: list[bool] = []
    for question in questions:
        if not question.evidence:
            continue
        passages = await retrieval.search(scopes[question.corpus], question.text, 5)
        sources = tuple(Source(number, passage) for number, passage in enumerate(passages, 1))
        answer = engine.write(Task(question.text, sources))
        quotes = [piece async for piece in answer if isinstance(piece, Said) and piece.cited]
        told = " ".join(plain(quote.text) for quote in quotes)
        grounded.append(bool(quotes) and all(_stands_in_source(quote, sources) for quote in quotes))
        with_evidence.append(plain(question.evidence) in told)
    figures = {
        "grounded_answers": statistics.mean(grounded),
        "answers_with_evidence": statistics.mean(with_evidence),
    }
    print(f"grounded {figures['grounded_answers']:.3f}, with evidence {figures['answers_with_evidence']:.3f}")
    return figures


def _stands_in_source(quote: Said, sources: Sequence[Source]) -> bool:
    words = plain(re.sub(r"\s*\[\d+\]\s*$", "", quote.text))
    return all(words in plain(sources[number - 1].passage.text) for number in quote.cited)
