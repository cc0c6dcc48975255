"""What becomes of questions, as the chat API answers them where no language model is configured.

"Nothing found" is what unanswerable questions should get, and others should not. An answer is grounded when
every sentence of it stands in the sources that it cites, or in one of all where a quote of several sentences
is cited at its end; it is cited throughout when each sentence names a source itself.
"""

import statistics
from collections.abc import Sequence

from retrieval_questions import Question, plain

from twin_common.identity import AuthorId
from twin_rag_api.auth import AuthorScope
from twin_rag_api.generation.answer import AnswerEnd
from twin_rag_api.generation.engine_registry import EngineRegistry
from twin_rag_api.generation.engines import Task
from twin_rag_api.generation.extractive import ExtractiveEngine
from twin_rag_api.generation.service import Answers
from twin_rag_api.retrieval.encoding import Encoding
from twin_rag_api.retrieval.service import Retrieval
from twin_rag_api.traces.grounding import ground, statements


async def judge_answers(
    retrieval: Retrieval,
    encoding: Encoding,
    scopes: dict[AuthorId, AuthorScope],
    questions: Sequence[Question],
) -> dict[str, float]:
    """Shares of refused questions, of grounded answers, and of answers that hold the evidence."""
    engine = ExtractiveEngine(encoding)
    answers = Answers(retrieval, encoding, EngineRegistry(engine))
    found: dict[str, list[float]] = {}

    def note(figure: str, value: float) -> None:
        found.setdefault(figure, []).append(value)

    for question in questions:
        reading = await retrieval.read(question.text)
        evidence = await answers.find_sources(scopes[question.corpus], reading)
        sort = "answerable" if question.evidence else "unanswerable"
        for figure in (f"{sort}_refused", f"{question.corpus}_{sort}_refused"):
            note(figure, not evidence.sources)
        if not question.evidence and evidence.sources:
            print(f"  not refused, {evidence.sources[0].passage.score:.2f}: {question.text}")
        if not evidence.sources:
            continue
        task = Task(question.text, evidence.sources)
        pieces = [piece async for piece in answers.write(await answers.prepare(task, engine), engine)]
        [end] = [piece for piece in pieces if isinstance(piece, AnswerEnd)]
        sources = {source.number: source.passage.text for source in evidence.sources}
        grounding = ground(end.text, sources, encoding.terms)
        note("answers_grounded", grounding.sentences == grounding.supported)
        note("answers_cited_throughout", grounding.sentences == grounding.cited)
        note("sentences_supported", grounding.supported / max(1, grounding.sentences))
        note("sentences_cited", grounding.cited / max(1, grounding.sentences))
        if question.evidence:
            note("answers_with_evidence", plain(question.evidence) in plain(end.text))
            note("sentences_an_answer", len(statements(end.text)))
    figures = {name: statistics.mean(values) for name, values in found.items()}
    for name, share in figures.items():
        print(f"{name:34} {share:.3f} of {len(found[name])}")
    return figures
