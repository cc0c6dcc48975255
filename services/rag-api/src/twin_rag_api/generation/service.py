"""An answer from the question to the last citation."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from enum import StrEnum
from time import perf_counter

import structlog

from twin_common.errors import ServerUnavailable
from twin_rag_api.auth import AuthorScope
from twin_rag_api.gen_ai import Operation
from twin_rag_api.generation.context_window import fit
from twin_rag_api.generation.engine_registry import EngineRegistry
from twin_rag_api.generation.engines import (
    Engine,
    EngineFailure,
    Finish,
    Notice,
    Piece,
    Source,
    Task,
    Text,
    Usage,
)
from twin_rag_api.generation.extractive import ExtractiveEngine
from twin_rag_api.generation.prompt import platform_rules, prompt_version
from twin_rag_api.generation.relevance import is_answerable
from twin_rag_api.generation.wording import (
    BROKE_OFF,
    CUT_OFF,
    FAILED,
    NOTHING_FOUND,
    STOPPED,
    told_of_quotes,
)
from twin_rag_api.guardrails.answer import AnswerGuard, AnswerPolicy
from twin_rag_api.guardrails.findings import Finding
from twin_rag_api.guardrails.foreign_links import links_in
from twin_rag_api.guardrails.sources import guarded_source, guarded_text
from twin_rag_api.metrics import (
    ANSWERS,
    CITATIONS,
    ENGINE_FAILURES,
    FIRST_TOKEN_SECONDS,
    GENERATION_SECONDS,
    GUARDRAIL_FINDINGS,
    NOTICES,
    TOKENS,
    timed,
)
from twin_rag_api.retrieval.encoding import Encoding
from twin_rag_api.retrieval.passages import Found
from twin_rag_api.retrieval.self_query import Reading
from twin_rag_api.retrieval.service import Retrieval

log = structlog.get_logger(__name__)

_SOURCES = 5


class Outcome(StrEnum):
    """How an answer ended."""

    ANSWERED = "answered"
    NOTHING_FOUND = "nothing_found"
    """No text of the author's answers the question."""
    FALLBACK = "fallback"
    """The language model failed, and quotes stand in for it."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    """Whoever asked has left."""


@dataclass(frozen=True)
class Prepared:
    """A task as an engine may read it."""

    task: Task
    notices: tuple[Notice, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """What an answer may rest on, and how it was found."""

    sources: tuple[Source, ...]
    found: Found


@dataclass(frozen=True)
class AnswerEnd:
    """What is known once an answer is complete."""

    citations: tuple[Source, ...]
    usage: Usage
    finish: Finish
    outcome: Outcome
    engine: str
    """Who wrote it; where the language model failed, who took over."""
    prompt_version: str
    text: str
    """The whole answer, as its reader got it."""
    notices: tuple[Notice, ...] = ()
    findings: tuple[Finding, ...] = ()
    """What the guardrails noticed in sources and answer."""
    failure: str | None = None
    """Why the language model's own answer is not complete, in a word."""


class Answers:
    """Retrieves, judges whether that suffices, and lets an engine write."""

    def __init__(
        self,
        retrieval: Retrieval,
        encoding: Encoding,
        engines: EngineRegistry,
        *,
        redact_personal_data: bool = False,
    ) -> None:
        self._retrieval = retrieval
        self._encoding = encoding
        self._redact_personal_data = redact_personal_data
        self.engines = engines

    async def find_sources(self, scope: AuthorScope, question: str | Reading) -> Evidence:
        """The numbered passages an answer may rest on; none when they cannot answer.

        Args:
            scope: whose passages.
            question: as it was read; a str is searched for as it is.

        Raises:
            NotReady: the encoder or the collection is not there yet.
            ServerUnavailable: the vector index does not answer.
        """
        reading = Reading(question, question) if isinstance(question, str) else question
        found, (unknown, names) = await asyncio.gather(
            self._retrieval.find(scope, reading, _SOURCES),
            self._retrieval.unknown_names(scope, reading.rest),
        )
        if not is_answerable(found.passages, unknown, names):
            return Evidence((), found)
        sources = tuple(Source(number, passage) for number, passage in enumerate(found.passages, start=1))
        return Evidence(sources, found)

    async def prepare(self, task: Task, engine: Engine) -> Prepared:
        """The task past the guardrails, and cut to what the engine can read.

        Raises:
            InvalidRequest: not even the question fits into the engine's window.
        """
        task, findings = await asyncio.to_thread(_guarded_task, task)
        for finding in findings:
            GUARDRAIL_FINDINGS.labels(finding.rule, finding.place).inc()
        notices: tuple[Notice, ...] = ()
        try:
            window = await engine.window()
            if window is not None:
                task, notices = await fit(task, window)
        except EngineFailure as failure:  # it will fail again when it is to write, and be replaced there
            log.warning("the language model does not say how much it reads", error=str(failure)[:300])
        return Prepared(task, notices, findings)

    async def write(
        self, prepared: Prepared, engine: Engine
    ) -> AsyncGenerator[str | Notice | AnswerEnd, None]:
        """The text as it comes, notices when they arise, then the end; it ends well whatever the model does.

        Raises:
            ServerUnavailable: the model failed, and a form was asked for that quotes do not have.
        """
        task = prepared.task
        started = perf_counter()
        usage, finish = Usage(0, 0), Finish("stop")
        cited: dict[int, None] = {}
        written = ""
        progress = _Progress(engine.name, list(prepared.findings))
        notices: list[Notice] = []
        with timed(GENERATION_SECONDS, "write"):
            async with aclosing(self._pieces(prepared, engine, progress)) as pieces:
                async for piece in pieces:
                    match piece:
                        case Text(text, numbers):
                            if not written:
                                FIRST_TOKEN_SECONDS.labels(engine.name).observe(perf_counter() - started)
                            cited.update(dict.fromkeys(numbers))
                            written += text
                            yield text
                        case Notice(code):
                            NOTICES.labels(code).inc()
                            notices.append(piece)
                            yield piece
                        case Usage():
                            usage = piece
                        case Finish():
                            finish = piece
        sources = {source.number: source for source in task.sources}
        CITATIONS.observe(len(cited))
        yield AnswerEnd(
            citations=tuple(sources[number] for number in sorted(cited)),
            usage=usage,
            finish=finish,
            outcome=progress.outcome,
            engine=progress.engine,
            prompt_version=prompt_version(task),
            text=written,
            notices=tuple(notices),
            findings=tuple(progress.findings),
            failure=progress.failure,
        )

    async def _pieces(
        self, prepared: Prepared, engine: Engine, progress: "_Progress"
    ) -> AsyncGenerator[Piece | Notice, None]:
        task = prepared.task
        for notice in prepared.notices:
            yield notice
        free_form = task.sampling.response_format is None
        if not task.sources and not task.preset and free_form:
            progress.ended(Outcome.NOTHING_FOUND)
            yield Text(NOTHING_FOUND)
            yield self._count(task.question, NOTHING_FOUND)
            return
        wrote = False
        try:
            async with aclosing(self._guarded(engine, task, progress)) as pieces:
                async for piece in pieces:
                    wrote = wrote or isinstance(piece, Text)
                    if piece == Finish("length"):
                        yield CUT_OFF
                    yield piece
        except EngineFailure as failure:
            log.warning("the language model failed", engine=engine.name, error=str(failure)[:300])
            ENGINE_FAILURES.labels(failure.reason).inc()
            progress.failure = failure.reason
            if not free_form:
                progress.ended(Outcome.FAILED)
                raise ServerUnavailable(
                    f"the language model failed ({failure.reason}), and nothing else writes in the "
                    "response_format that was asked for; try again in a moment"
                ) from failure
            yield STOPPED.get(failure.reason, BROKE_OFF if wrote else FAILED)
            substitute = ExtractiveEngine(self._encoding, notice=told_of_quotes(task, wrote))
            progress.engine = substitute.name
            async with aclosing(self._guarded(substitute, task, progress)) as quotes:
                async for piece in quotes:
                    yield piece
        progress.ended(Outcome.FALLBACK if progress.failure else Outcome.ANSWERED)
        if free_form and not task.preset:
            for notice in prepared.notices:
                yield Text(f"\n\n{notice.detail}")

    async def _guarded(
        self, engine: Engine, task: Task, progress: "_Progress"
    ) -> AsyncGenerator[Piece, None]:
        """The engine's pieces, their text past the guardrails."""
        guard = AnswerGuard(self._policy(engine, task))
        try:
            async with aclosing(self._observed(engine, task)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Text):
                        passed = replace(piece, text=guard.feed(piece.text))
                    else:
                        passed = Text(guard.finish())
                    _stop_if_leaked(guard)
                    if passed.text or passed.cited:
                        yield passed
                    if not isinstance(piece, Text):
                        yield piece
        except EngineFailure:
            if not guard.leaked and (rest := guard.finish()):
                yield Text(rest)
            raise
        finally:
            for rule in guard.found:
                GUARDRAIL_FINDINGS.labels(rule, "answer").inc()
                progress.findings.append(Finding(rule, "answer"))

    def _policy(self, engine: Engine, task: Task) -> AnswerPolicy:
        """What the answer may contain: of addresses those of the sources, and those that the caller wrote."""
        if isinstance(engine, ExtractiveEngine):
            return AnswerPolicy(None, personal_data=not self._redact_personal_data)
        asked = "\n".join(
            filter(None, (task.question, task.instructions, task.skeleton, *(t.text for t in task.history)))
        )
        given = {source.passage.chunk.url for source in task.sources} | task.links | set(links_in(asked))
        links = frozenset(link.rstrip("/") for link in given)
        return AnswerPolicy(links, not self._redact_personal_data, platform_rules(task))

    async def _observed(self, engine: Engine, task: Task) -> AsyncGenerator[Piece, None]:
        """The engine's pieces, under a span as OpenTelemetry's GenAI conventions have it."""
        operation = Operation.start("chat", engine.provider, engine.name)
        operation.set("twin.prompt.version", prompt_version(task))
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


@dataclass
class _Progress:
    """What becomes known of an answer while it is written."""

    engine: str
    findings: list[Finding] = field(default_factory=list)
    failure: str | None = None
    outcome: Outcome = Outcome.FAILED

    def ended(self, outcome: Outcome) -> None:
        """How the answer came out."""
        self.outcome = outcome
        ANSWERS.labels(outcome).inc()


def _stop_if_leaked(guard: AnswerGuard) -> None:
    if guard.leaked:
        raise EngineFailure("prompt_leak", "the model recites its instructions")


def _guarded_task(task: Task) -> tuple[Task, tuple[Finding, ...]]:
    guarded = [guarded_source(source) for source in task.sources]
    sources = tuple(source for source, _ in guarded)
    findings = tuple(finding for _, found in guarded for finding in found)
    styles = tuple(guarded_text(text, {}) for text in task.style_examples)
    return replace(task, sources=sources, style_examples=styles), findings
