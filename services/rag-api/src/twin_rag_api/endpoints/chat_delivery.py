"""Brings answers to the client, whole or as server-sent events; a client that leaves stops the work."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import Request
from fastapi.responses import Response

from twin_common.errors import ServerUnavailable
from twin_rag_api.endpoints.chat_answer import (
    AnswerMessage,
    ChatChoice,
    ChatCompletion,
    ChatCompletionChunk,
    ChatUsage,
    ChunkChoice,
    ChunkDelta,
    citations_of,
    draft_of,
    notices_of,
    total_usage,
)
from twin_rag_api.errors import OpenAIError
from twin_rag_api.generation.answer import AnswerEnd
from twin_rag_api.generation.engines import Notice, Usage
from twin_rag_api.writing.presets import Preset

log = structlog.get_logger(__name__)

Pieces = AsyncGenerator[str | Notice | AnswerEnd, None]

_CLIENT_CLOSED_REQUEST = 499
_POLL_SECONDS = 0.25
_AHEAD = 64


@dataclass(frozen=True)
class Identity:
    """What all parts of a completion have in common."""

    id: str
    created: int
    model: str


async def deliver_whole(
    http: Request, identity: Identity, answers: Sequence[Pieces], preset: Preset | None
) -> Response:
    """All answers, once they are complete.

    Raises:
        ServerUnavailable: as `Answers.write`.
    """
    return await _while_connected(http, _complete(identity, answers, preset))


async def deliver_stream(
    identity: Identity, answers: Sequence[Pieces], preset: Preset | None, *, with_usage: bool
) -> AsyncIterator[str]:
    """Server-sent events of all answers as they come, then `[DONE]`."""

    def event(*choices: ChunkChoice, usage: ChatUsage | None = None) -> str:
        chunk = ChatCompletionChunk(**vars(identity), choices=list(choices), usage=usage)
        return f"data: {chunk.model_dump_json(exclude_none=True)}\n\n"

    usages: list[Usage] = []
    for index in range(len(answers)):
        yield event(ChunkChoice(index=index, delta=ChunkDelta(role="assistant", content="")))
    try:
        async with aclosing(_together(answers)) as pieces:
            async for index, piece in pieces:
                yield event(_chunk(index, piece, preset))
                if isinstance(piece, AnswerEnd):
                    usages.append(piece.usage)
        if with_usage:
            yield event(usage=total_usage(usages))
    except ServerUnavailable as failure:
        yield _error_event(str(failure))
    except Exception:
        log.exception("a streamed answer failed")
        yield _error_event("something went wrong while answering")
    yield "data: [DONE]\n\n"


def _chunk(index: int, piece: str | Notice | AnswerEnd, preset: Preset | None) -> ChunkChoice:
    match piece:
        case str():
            return ChunkChoice(index=index, delta=ChunkDelta(content=piece))
        case Notice():
            return ChunkChoice(index=index, delta=ChunkDelta(notices=notices_of((piece,))))
        case AnswerEnd():
            citations, draft = citations_of(piece.citations), draft_of(preset, piece.text)
            delta = ChunkDelta(citations=citations, draft=draft)
            return ChunkChoice(index=index, delta=delta, finish_reason=piece.finish.reason)


def _error_event(message: str) -> str:
    error = OpenAIError(message=message, type="server_error")
    return f'data: {{"error": {error.model_dump_json()}}}\n\n'


async def _complete(identity: Identity, answers: Sequence[Pieces], preset: Preset | None) -> Response:
    ends = await asyncio.gather(*map(_end, answers))
    choices = [
        ChatChoice(
            index=index,
            message=AnswerMessage(
                content=end.text,
                citations=citations_of(end.citations),
                notices=notices_of(end.notices),
                draft=draft_of(preset, end.text),
            ),
            finish_reason=end.finish.reason,
        )
        for index, end in enumerate(ends)
    ]
    usage = total_usage([end.usage for end in ends])
    completion = ChatCompletion(**vars(identity), choices=choices, usage=usage)
    return Response(completion.model_dump_json(), media_type="application/json")


async def _end(answer: Pieces) -> AnswerEnd:
    async with aclosing(answer) as pieces:
        async for piece in pieces:
            if isinstance(piece, AnswerEnd):
                return piece
    raise AssertionError("an answer has an end")


async def _together(
    answers: Sequence[Pieces],
) -> AsyncGenerator[tuple[int, str | Notice | AnswerEnd], None]:
    """The pieces of all answers as they come, with the number of the answer; at most a few ahead."""
    if len(answers) == 1:
        async with aclosing(answers[0]) as pieces:
            async for piece in pieces:
                yield 0, piece
        return
    queue: asyncio.Queue[tuple[int, str | Notice | AnswerEnd] | None] = asyncio.Queue(_AHEAD)

    async def forward(index: int, answer: Pieces) -> None:
        try:
            async with aclosing(answer) as pieces:
                async for piece in pieces:
                    await queue.put((index, piece))
        finally:
            await queue.put(None)

    tasks = [asyncio.create_task(forward(index, answer)) for index, answer in enumerate(answers)]
    try:
        left = len(tasks)
        while left:
            entry = await queue.get()
            if entry is None:
                left -= 1
            else:
                yield entry
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


async def _while_connected(http: Request, work: Coroutine[Any, Any, Response]) -> Response:
    """The work's result; when the client leaves, the work is stopped at once."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            await asyncio.wait([task], timeout=_POLL_SECONDS)
            if not task.done() and await http.is_disconnected():
                return Response(status_code=_CLIENT_CLOSED_REQUEST)
        return task.result()
    finally:
        task.cancel()
