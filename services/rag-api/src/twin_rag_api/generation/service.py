"""An answer from the question to the last citation."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum
from time import perf_counter

import structlog

from twin_rag_api.auth import AuthorScope
from twin_rag_api.gen_ai import Operation
from twin_rag_api.generation.engines import Engine, EngineFailure, Finish, Piece, Source, Task, Text, Usage
from twin_rag_api.generation.extractive import ExtractiveEngine
from twin_rag_api.generation.prompt import PROMPT_VERSION
from twin_rag_api.generation.relevance import is_answerable
from twin_rag_api.metrics import (
    ANSWERS,
    CITATIONS,
    ENGINE_FAILURES,
    FIRST_TOKEN_SECONDS,
    GENERATION_SECONDS,
    TOKENS,
    timed,
)
from twin_rag_api.retrieval.encoding import Encoding
from twin_rag_api.retrieval.service import Retrieval

log = structlog.get_logger(__name__)

NOTHING_FOUND = "I found nothing in the author's documents that answers this question."
MODEL_FAILED = "The language model did not answer; these passages of the sources come closest:"
MODEL_BROKE_OFF = "\n\nThe language model broke off here; these passages of the sources come closest:"
_SOURCES = 5


class Outcome(StrEnum):
    """How an answer ended."""

    ANSWERED = "answered"
    NOTHING_FOUND = "nothing_found"
    FALLBACK = "fallback"
    """The language model failed; quotes took its place."""
    CANCELLED = "cancelled"
    """Whoever asked went away."""
    FAILED = "failed"


@dataclass(frozen=True)
class AnswerEnd:
    """What is known once an answer is complete."""

    citations: tuple[Source, ...]
    usage: Usage
    finish: Finish
    outcome: Outcome
    engine: str
    """Who wrote it; of a fallback, who should have."""


class Answers:
    """Retrieves, judges whether that suffices, and lets an engine write."""

    def __init__(self, retrieval: Retrieval, encoding: Encoding, engine: Engine | None) -> None:
        self._retrieval = retrieval
        self._encoding = encoding
        self._engine = engine or ExtractiveEngine(encoding)

    @property
    def engine_name(self) -> str:
        return self._engine.name

    async def find_sources(self, scope: AuthorScope, question: str) -> tuple[Source, ...]:
        """The numbered passages an answer may rest on; none when they cannot answer.

        Raises:
            NotReady: the encoder or the collection is not there yet.
            ServerUnavailable: the vector index does not answer.
        """
        passages, (unknown, names) = await asyncio.gather(
            self._retrieval.search(scope, question, _SOURCES),
            self._retrieval.unknown_names(scope, question),
        )
        if not is_answerable(passages, unknown, names):
            return ()
        return tuple(Source(number, passage) for number, passage in enumerate(passages, start=1))

    async def write(self, task: Task) -> AsyncGenerator[str | AnswerEnd, None]:
        """The answer's text as it comes, then its end; it ends well whatever the model does."""
        started = perf_counter()
        usage, finish, outcome = Usage(0, 0), Finish("stop"), Outcome.FAILED
        cited: dict[int, None] = {}
        first = True
        with timed(GENERATION_SECONDS, "write"):
            async with aclosing(self._pieces(task)) as pieces:
                async for piece in pieces:
                    match piece:
                        case Text(text, numbers):
                            if first:
                                FIRST_TOKEN_SECONDS.labels(self._engine.name).observe(
                                    perf_counter() - started
                                )
                                first = False
                            cited.update(dict.fromkeys(numbers))
                            yield text
                        case Usage():
                            usage = piece
                        case Finish():
                            finish = piece
                        case Outcome():
                            outcome = piece
        sources = {source.number: source for source in task.sources}
        CITATIONS.observe(len(cited))
        citations = tuple(sources[number] for number in sorted(cited))
        yield AnswerEnd(citations, usage, finish, outcome, self._engine.name)

    async def _pieces(self, task: Task) -> AsyncGenerator[Piece | Outcome, None]:
        if not task.sources:
            yield _counted(Outcome.NOTHING_FOUND)
            yield Text(NOTHING_FOUND)
            yield self._count(task.question, NOTHING_FOUND)
            return
        wrote = False
        try:
            async with aclosing(self._observed(self._engine, task)) as pieces:
                async for piece in pieces:
                    wrote = wrote or isinstance(piece, Text)
                    yield piece
        except EngineFailure as failure:
            log.warning("the language model failed", engine=self._engine.name, error=str(failure)[:300])
            ENGINE_FAILURES.labels(failure.reason).inc()
        else:
            yield _counted(Outcome.ANSWERED)
            return
        yield _counted(Outcome.FALLBACK)
        substitute = ExtractiveEngine(self._encoding, notice=MODEL_BROKE_OFF if wrote else MODEL_FAILED)
        async with aclosing(self._observed(substitute, task)) as pieces:
            async for piece in pieces:
                yield piece

    async def _observed(self, engine: Engine, task: Task) -> AsyncGenerator[Piece, None]:
        """The engine's pieces, observed as OpenTelemetry's GenAI conventions have it."""
        operation = Operation.start("chat", engine.provider, engine.name)
        operation.set("twin.prompt.version", PROMPT_VERSION)
        operation.set("twin.sources", len(task.sources))
        written = ""
        usage: Usage | None = None
        try:
            async with aclosing(engine.write(task)) as pieces:
                async for piece in pieces:
                    match piece:
                        case Text(text):
                            operation.first_token()
                            written += text
                        case Usage():
                            usage = piece
                        case Finish(reason):
                            operation.finished(reason)
                    yield piece
            if usage is None:
                usage = self._count(task.question, written)
                yield usage
        except EngineFailure as failure:
            operation.failed(failure.reason, str(failure))
            raise
        finally:
            if usage is not None:
                operation.used(usage.input_tokens, usage.output_tokens)
                TOKENS.labels(engine.name, "input").inc(usage.input_tokens)
                TOKENS.labels(engine.name, "output").inc(usage.output_tokens)
            operation.end()

    def _count(self, read: str, written: str) -> Usage:
        """For engines that do not say: the encoder's tokens come close enough."""
        return Usage(*self._encoding.count_tokens([read, written]))


def _counted(outcome: Outcome) -> Outcome:
    ANSWERS.labels(outcome).inc()
    return outcome
