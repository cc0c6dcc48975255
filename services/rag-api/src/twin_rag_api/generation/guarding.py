"""The guardrails on the way to an engine, and on the way back."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from twin_rag_api.generation.answer import Progress
from twin_rag_api.generation.engines import Engine, EngineFailure, Piece, Task, Text
from twin_rag_api.generation.extractive import ExtractiveEngine
from twin_rag_api.generation.prompt import platform_rules
from twin_rag_api.guardrails.answer import AnswerGuard, AnswerPolicy
from twin_rag_api.guardrails.findings import Finding
from twin_rag_api.guardrails.foreign_links import links_in
from twin_rag_api.guardrails.sources import guarded_source, guarded_text
from twin_rag_api.metrics import GUARDRAIL_FINDINGS


def guarded_task(task: Task) -> tuple[Task, tuple[Finding, ...]]:
    """The task as an engine may read it, and what the guardrails noticed in its sources."""
    judged = [guarded_source(source) for source in task.sources]
    sources = tuple(source for source, _ in judged)
    findings = tuple(finding for _, found in judged for finding in found)
    styles = tuple(guarded_text(text, {}) for text in task.style_examples)
    return replace(task, sources=sources, style_examples=styles), findings


def policy_of(engine: Engine, task: Task, *, redact_personal_data: bool) -> AnswerPolicy:
    """What the answer may contain: of addresses those of the sources, and those that the caller wrote."""
    if isinstance(engine, ExtractiveEngine):
        return AnswerPolicy(None, personal_data=not redact_personal_data)
    asked = "\n".join(
        filter(None, (task.question, task.instructions, task.skeleton, *(t.text for t in task.history)))
    )
    given = {source.passage.chunk.url for source in task.sources} | task.links | set(links_in(asked))
    links = frozenset(link.rstrip("/") for link in given)
    return AnswerPolicy(links, not redact_personal_data, platform_rules(task))


async def guarded(
    written: AsyncGenerator[Piece, None], policy: AnswerPolicy, progress: Progress
) -> AsyncGenerator[Piece, None]:
    """An engine's pieces, their text past the guardrails.

    Raises:
        EngineFailure: the engine's own, or that it recites its instructions.
    """
    guard = AnswerGuard(policy)
    try:
        async with aclosing(written) as pieces:
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


def _stop_if_leaked(guard: AnswerGuard) -> None:
    if guard.leaked:
        raise EngineFailure("prompt_leak", "the model recites its instructions")
