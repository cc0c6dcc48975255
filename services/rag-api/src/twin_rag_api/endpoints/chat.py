"""Chat completions in OpenAI's shape: answers with citations, and texts in the owner's voice."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from twin_rag_api.auth import AuthorScope
from twin_rag_api.dependencies import Scope, ServiceResources
from twin_rag_api.endpoints.chat_answer import ChatCompletion
from twin_rag_api.endpoints.chat_delivery import Identity, Pieces, deliver_stream, deliver_whole
from twin_rag_api.endpoints.chat_request import ChatRequest
from twin_rag_api.generation.answer import Prepared
from twin_rag_api.generation.engines import Engine, Task
from twin_rag_api.generation.prompt import prompt_version
from twin_rag_api.generation.wording import notices_of_search
from twin_rag_api.metrics import noting_steps
from twin_rag_api.resources import Resources
from twin_rag_api.retrieval.follow_up import search_text
from twin_rag_api.retrieval.passages import Found
from twin_rag_api.traces.trace import Asked

router = APIRouter(prefix="/v1", tags=["chat"])

_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "model": ChatCompletion,
        "description": "The answer, or with `stream` its chunks as server-sent events.",
        "content": {
            "text/event-stream": {"schema": {"$ref": "#/components/schemas/ChatCompletionChunk"}},
        },
    }
}


@router.post("/chat/completions", response_model=ChatCompletion, responses=_RESPONSES)
async def complete_chat(
    scope: Scope, resources: ServiceResources, request: ChatRequest, http: Request
) -> Response:
    """Answer the last user message from the author's texts, citing them; or with `writing` write a text."""
    engine = resources.engines.choose(scope, request.model)
    task = Task(
        question=request.question(),
        sources=(),
        history=request.history(),
        instructions=request.instructions(),
        sampling=request.sampling(engine),
    )
    started = time.perf_counter()
    searched = _searched(task) if request.writing is None else task.question
    with noting_steps() as steps:
        prepared, found = await _prepared(scope, resources, request, task, engine, searched=searched)
    identity = Identity(f"chatcmpl-{uuid4().hex}", int(time.time()), request.model)
    asked = Asked(
        trace_id=identity.id,
        author_id=scope.author_id,
        question=task.question,
        sources=prepared.task.sources,
        prompt_version=prompt_version(prepared.task),
        variants=found.variants if searched == task.question else (searched, *found.variants),
        filters=found.filters,
        retrieval_seconds=time.perf_counter() - started,
        retrieval_steps=steps,
    )
    answers = _answers(resources, prepared, engine, asked, request.choices)
    preset = prepared.task.preset
    if request.stream:
        with_usage = request.stream_options is not None and request.stream_options.include_usage
        events = deliver_stream(identity, answers, preset, with_usage=with_usage)
        return StreamingResponse(events, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
    return await deliver_whole(http, identity, answers, preset)


def _searched(task: Task) -> str:
    """What is searched for: the question, made whole by those before it."""
    return search_text(task.question, [turn.text for turn in task.history if turn.role == "user"])


async def _prepared(
    scope: AuthorScope,
    resources: Resources,
    request: ChatRequest,
    task: Task,
    engine: Engine,
    *,
    searched: str,
) -> tuple[Prepared, Found]:
    if request.writing is None:
        reading = await resources.retrieval.read(searched)
        evidence = await resources.answers.find_sources(scope, reading)
        prepared = await resources.answers.prepare(replace(task, sources=evidence.sources), engine)
        notices = (*notices_of_search(evidence.found), *prepared.notices)
        return replace(prepared, notices=notices), evidence.found
    wished = request.writing
    material = await resources.writing.gather(
        scope, wished.kind, task.question, wished.skeleton, wished.links
    )
    task = replace(
        task,
        sources=material.sources,
        preset=wished.kind,
        skeleton=wished.skeleton,
        style_examples=material.style_examples,
        links=material.links,
    )
    prepared = await resources.answers.prepare(task, engine)
    return replace(prepared, notices=(*material.notices, *prepared.notices)), Found([])


def _answers(
    resources: Resources, prepared: Prepared, engine: Engine, asked: Asked, count: int
) -> Sequence[Pieces]:
    """So many answers to the same task, told apart by their seeds where one was given; each is traced."""
    sampling = prepared.task.sampling
    several: list[Pieces] = []
    for number in range(count):
        seed = None if sampling.seed is None else sampling.seed + number
        task = replace(prepared.task, sampling=replace(sampling, seed=seed))
        pieces = resources.answers.write(replace(prepared, task=task), engine)
        trace_id = f"{asked.trace_id}-{number}" if number else asked.trace_id
        several.append(resources.recorder.observe(replace(asked, trace_id=trace_id), pieces))
    return several
