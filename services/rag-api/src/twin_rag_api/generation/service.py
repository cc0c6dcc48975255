"""An answer from the question to the last citation."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from time import perf_counter

import structlog

from twin_common.errors import ServerUnavailable
from twin_rag_api.auth import AuthorScope
from twin_rag_api.generation.answer import AnswerEnd, Evidence, Outcome, Prepared, Progress
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
from twin_rag_api.generation.guarding import guarded, guarded_task, policy_of
from twin_rag_api.generation.observation import observed
from twin_rag_api.generation.prompt import prompt_version
from twin_rag_api.generation.relevance import is_answerable
from twin_rag_api.generation.wording import (
    BROKE_OFF,
    CUT_OFF,
    FAILED,
    NOTHING_FOUND,
    STOPPED,
    told_of_quotes,
)
from twin_rag_api.metrics import (
    CITATIONS,
    ENGINE_FAILURES,
    FIRST_TOKEN_SECONDS,
    GENERATION_SECONDS,
    GUARDRAIL_FINDINGS,
    NOTICES,
    timed,
)
from twin_rag_api.retrieval.encoding import Encoding
from twin_rag_api.retrieval.self_query import Reading
from twin_rag_api.retrieval.service import Retrieval

log = structlog.get_logger(__name__)

_SOURCES = 5


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
        task, findings = await asyncio.to_thread(guarded_task, task)
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
        progress = Progress(engine.name, list(prepared.findings))
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
        self, prepared: Prepared, engine: Engine, progress: Progress
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
            async with aclosing(self._written(engine, task, progress)) as pieces:
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
            async with aclosing(self._written(substitute, task, progress)) as quotes:
                async for piece in quotes:
                    yield piece
        progress.ended(Outcome.FALLBACK if progress.failure else Outcome.ANSWERED)
        if free_form and not task.preset:
            for notice in prepared.notices:
                yield Text(f"\n\n{notice.detail}")

    def _written(self, engine: Engine, task: Task, progress: Progress) -> AsyncGenerator[Piece, None]:
        policy = policy_of(engine, task, redact_personal_data=self._redact_personal_data)
        return guarded(observed(engine, task, self._count), policy, progress)

    def _count(self, read: str, written: str) -> Usage:
        """For engines that do not say: the encoder's tokens come close enough."""
        return Usage(*self._encoding.count_tokens([read, written]))
