"""Watches answers as they are written, and keeps what was seen after the caller has the last word."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from time import perf_counter

import structlog
from opentelemetry import trace as otel
from pymongo.errors import PyMongoError

from twin_common.errors import TwinError
from twin_rag_api.generation.answer import AnswerEnd, Outcome
from twin_rag_api.generation.engines import Notice
from twin_rag_api.metrics import TRACES
from twin_rag_api.retrieval.passages import SearchFilters
from twin_rag_api.traces.judge import Judge
from twin_rag_api.traces.redaction import Redact
from twin_rag_api.traces.store import TraceSink
from twin_rag_api.traces.trace import Asked, Quality, Times, Trace, TracedSource

log = structlog.get_logger(__name__)

_MOST_WAITING = 1000
_BATCH = 50
_DRAIN_SECONDS = 3.0


@dataclass(frozen=True)
class CapturePolicy:
    """What of an answer is kept."""

    content: bool
    """Whether the texts are kept: question, answer, and which pages were read."""
    redact: Redact
    """What is done to a text before it is kept."""


@dataclass(frozen=True)
class _Seen:
    """An answer from its question to where it ended."""

    asked: Asked
    answer: str
    outcome: Outcome
    first_token: float | None
    seconds: float
    end: AnswerEnd | None
    otel_trace_id: str | None


class TraceRecorder:
    """Hands answers on unchanged; what it does itself happens beside them, and harms nobody if it fails."""

    def __init__(self, sink: TraceSink, judge: Judge, policy: CapturePolicy) -> None:
        self._sink = sink
        self._judge = judge
        self._policy = policy
        self._queue: asyncio.Queue[_Seen] = asyncio.Queue(_MOST_WAITING)
        self._worker: asyncio.Task[None] | None = None

    async def observe(
        self, asked: Asked, pieces: AsyncGenerator[str | Notice | AnswerEnd, None]
    ) -> AsyncGenerator[str | Notice | AnswerEnd, None]:
        """The pieces of an answer as they come; the trace is kept once they end, however they end."""
        started = perf_counter()
        first: float | None = None
        answer = ""
        end: AnswerEnd | None = None
        outcome = Outcome.CANCELLED
        context = otel.get_current_span().get_span_context()
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    if isinstance(piece, AnswerEnd):
                        end, outcome = piece, piece.outcome
                    elif isinstance(piece, str):
                        first = first if first is not None else perf_counter() - started
                        answer += piece
                    yield piece
        except Exception:
            outcome = Outcome.FAILED
            raise
        finally:
            seconds = perf_counter() - started
            trace_id = f"{context.trace_id:032x}" if context.is_valid else None
            self._enqueue(_Seen(asked, answer, outcome, first, seconds, end, trace_id))

    async def settle(self) -> None:
        """Wait until nothing is waiting to be kept."""
        await self._queue.join()

    async def close(self) -> None:
        """Keep what is waiting, if that is quick, and stop."""
        if self._worker is None:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self.settle(), _DRAIN_SECONDS)
        self._worker.cancel()
        with suppress(asyncio.CancelledError):
            await self._worker

    def _enqueue(self, seen: _Seen) -> None:
        if self._worker is None:
            self._worker = asyncio.create_task(self._work(), name="traces")
        try:
            self._queue.put_nowait(seen)
        except asyncio.QueueFull:
            TRACES.labels("dropped").inc()

    async def _work(self) -> None:
        while True:
            batch = [await self._queue.get()]
            while len(batch) < _BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            try:
                await self._sink.put_many([await self._trace(seen) for seen in batch])
            except (PyMongoError, TwinError) as error:
                log.warning("traces were not kept", count=len(batch), error=str(error)[:300])
                TRACES.labels("dropped").inc(len(batch))
            except Exception:
                log.exception("traces were not kept", count=len(batch))
                TRACES.labels("dropped").inc(len(batch))
            else:
                TRACES.labels("kept").inc(len(batch))
            finally:
                for _ in batch:
                    self._queue.task_done()

    async def _trace(self, seen: _Seen) -> Trace:
        asked, end = seen.asked, seen.end
        keep = self._policy.redact
        cited = {source.number for source in end.citations} if end else set()
        content = self._policy.content
        return Trace(
            trace_id=asked.trace_id,
            author_id=asked.author_id,
            asked_at=asked.asked_at,
            outcome=seen.outcome,
            model=end.engine if end else "",
            prompt_version=asked.prompt_version,
            question=keep(asked.question) if content else None,
            variants=tuple(map(keep, asked.variants)) if content else (),
            filters=_words(asked.filters) if content else {},
            answer=keep(seen.answer) if content else None,
            sources=tuple(
                TracedSource(
                    number=source.number,
                    document_id=None if source.linked else source.passage.chunk.document_id,
                    chunk_index=source.passage.chunk.chunk_index,
                    score=source.passage.score,
                    is_cited=source.number in cited,
                    title=source.passage.chunk.title if content else None,
                    url=source.passage.chunk.url if content else None,
                )
                for source in asked.sources
            ),
            finish_reason=end.finish.reason if end else None,
            input_tokens=end.usage.input_tokens if end else 0,
            output_tokens=end.usage.output_tokens if end else 0,
            times=Times(
                retrieval=asked.retrieval_seconds,
                retrieval_steps=dict(asked.retrieval_steps),
                first_token=seen.first_token,
                generation=seen.seconds,
            ),
            quality=await self._quality(seen),
            otel_trace_id=seen.otel_trace_id,
        )

    async def _quality(self, seen: _Seen) -> Quality | None:
        if seen.end is None or not seen.asked.sources:
            return None
        try:
            return await self._judge.judge(seen.asked.author_id, seen.answer, seen.asked.sources)
        except TwinError as error:
            log.warning("an answer was not judged", error=str(error)[:300])
            return None


def _words(filters: SearchFilters) -> dict[str, str]:
    return {name: str(value) for name, value in vars(filters).items() if value is not None}
