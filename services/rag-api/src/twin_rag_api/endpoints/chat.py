"""Chat completions in OpenAI's shape, with citations."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import aclosing
from typing import Annotated, Any, Literal
from uuid import uuid4

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from twin_rag_api.dependencies import Scope, ServiceResources
from twin_rag_api.endpoints.models import TWIN, check_model
from twin_rag_api.endpoints.search import MAX_QUESTION_CHARACTERS
from twin_rag_api.errors import InvalidRequest, OpenAIError
from twin_rag_api.generation.engines import Sampling, Source, Task, Turn, Usage
from twin_rag_api.generation.prompt import PROMPT_VERSION
from twin_rag_api.generation.service import AnswerEnd
from twin_rag_api.retrieval.follow_up import search_text
from twin_rag_api.traces.trace import Asked

router = APIRouter(prefix="/v1", tags=["chat"])
log = structlog.get_logger(__name__)

_CLIENT_CLOSED_REQUEST = 499
_POLL_SECONDS = 0.25


class ContentPart(BaseModel):
    """A part of a message; only text is read."""

    type: str
    text: str = ""


class ChatMessage(BaseModel):
    """A message of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[ContentPart] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.type == "text")
        return self.content or ""


class StreamOptions(BaseModel):
    """How a stream ends."""

    include_usage: bool = False


class ChatRequest(BaseModel):
    """A conversation whose last user message is the question; other fields of OpenAI's API are ignored."""

    model_config = ConfigDict(use_attribute_docstrings=True)
    model: str = TWIN
    messages: list[ChatMessage] = Field(min_length=1, max_length=200)
    stream: bool = False
    stream_options: StreamOptions | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    stop: str | Annotated[list[str], Field(max_length=4)] | None = None
    n: Literal[1] | None = None
    """Only one answer is written."""


class Citation(BaseModel):
    """A passage that the answer cites as [number]."""

    number: int
    document_id: str
    chunk_index: int
    url: str
    title: str
    text: str
    score: float


class AnswerMessage(BaseModel):
    """The answer; `citations` is this platform's extension of OpenAI's shape."""

    role: Literal["assistant"] = "assistant"
    content: str
    citations: list[Citation]


class ChatChoice(BaseModel):
    """The one answer."""

    index: int = 0
    message: AnswerMessage
    finish_reason: Literal["stop", "length", "content_filter"]


class ChatUsage(BaseModel):
    """Tokens read and written."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int

    @classmethod
    def of(cls, usage: Usage) -> "ChatUsage":
        total = usage.input_tokens + usage.output_tokens
        return cls(
            prompt_tokens=usage.input_tokens, completion_tokens=usage.output_tokens, total_tokens=total
        )


class ChatCompletion(BaseModel):
    """An answer in OpenAI's shape."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[ChatChoice]
    usage: ChatUsage


class ChunkDelta(BaseModel):
    """What a chunk adds; the last one brings the citations."""

    role: Literal["assistant"] | None = None
    content: str | None = None
    citations: list[Citation] | None = None


class ChunkChoice(BaseModel):
    """The one answer's next part."""

    index: int = 0
    delta: ChunkDelta
    finish_reason: Literal["stop", "length", "content_filter"] | None = None


class ChatCompletionChunk(BaseModel):
    """A server-sent event of a streamed answer; the stream ends with `data: [DONE]`."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: ChatUsage | None = None


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
    """Answer the last user message from the author's texts, citing them."""
    check_model(request.model)
    question = _question(request.messages)
    history = _history(request.messages)
    asked_before = [turn.text for turn in history if turn.role == "user"]
    started = time.perf_counter()
    searched = search_text(question, asked_before)
    sources = await resources.answers.find_sources(scope, searched)
    seconds = time.perf_counter() - started
    task = Task(
        question=question,
        sources=sources,
        history=history,
        instructions=_instructions(request.messages),
        sampling=_sampling(request),
    )
    completion_id = f"chatcmpl-{uuid4().hex}"
    identity = {"id": completion_id, "created": int(time.time()), "model": TWIN}
    asked = Asked(
        trace_id=completion_id,
        author_id=scope.author_id,
        question=question,
        sources=sources,
        prompt_version=PROMPT_VERSION,
        variants=(searched,) if searched != question else (),
        retrieval_seconds=seconds,
    )
    pieces = resources.recorder.observe(asked, resources.answers.write(task))
    if request.stream:
        with_usage = request.stream_options is not None and request.stream_options.include_usage
        events = _stream(pieces, identity, with_usage)
        return StreamingResponse(events, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
    return await _while_connected(http, _whole(pieces, identity))


def _question(messages: list[ChatMessage]) -> str:
    asked = [message.text for message in messages if message.role == "user"]
    if not asked or not asked[-1].strip():
        raise InvalidRequest("messages", "the last user message is empty: write a question")
    if len(asked[-1]) > MAX_QUESTION_CHARACTERS:
        limit = f"{MAX_QUESTION_CHARACTERS:,}"
        raise InvalidRequest("messages", f"the question is longer than {limit} characters: shorten it")
    return asked[-1].strip()


def _history(messages: list[ChatMessage]) -> tuple[Turn, ...]:
    """What was said before the question."""
    last = max(position for position, message in enumerate(messages) if message.role == "user")
    return tuple(
        Turn("user" if message.role == "user" else "assistant", message.text)
        for message in messages[:last]
        if message.role in ("user", "assistant") and message.text.strip()
    )


def _instructions(messages: list[ChatMessage]) -> str | None:
    told = [message.text for message in messages if message.role in ("system", "developer")]
    return "\n".join(text for text in told if text.strip()) or None


def _sampling(request: ChatRequest) -> Sampling:
    stop = (request.stop,) if isinstance(request.stop, str) else tuple(request.stop or ())
    return Sampling(
        request.temperature, request.top_p, request.max_completion_tokens or request.max_tokens, stop
    )


async def _whole(answer: AsyncGenerator[str | AnswerEnd, None], identity: dict[str, Any]) -> Response:
    text = ""
    async with aclosing(answer) as pieces:
        async for piece in pieces:
            if isinstance(piece, AnswerEnd):
                end = piece
            else:
                text += piece
    message = AnswerMessage(content=text, citations=_citations(end.citations))
    choice = ChatChoice(message=message, finish_reason=end.finish.reason)
    completion = ChatCompletion(**identity, choices=[choice], usage=ChatUsage.of(end.usage))
    return Response(completion.model_dump_json(), media_type="application/json")


async def _stream(
    answer: AsyncGenerator[str | AnswerEnd, None], identity: dict[str, Any], with_usage: bool
) -> AsyncIterator[str]:
    def event(*choices: ChunkChoice, usage: ChatUsage | None = None) -> str:
        chunk = ChatCompletionChunk(**identity, choices=list(choices), usage=usage)
        return f"data: {chunk.model_dump_json(exclude_none=True)}\n\n"

    yield event(ChunkChoice(delta=ChunkDelta(role="assistant", content="")))
    try:
        async with aclosing(answer) as pieces:
            async for piece in pieces:
                if isinstance(piece, AnswerEnd):
                    delta = ChunkDelta(citations=_citations(piece.citations))
                    yield event(ChunkChoice(delta=delta, finish_reason=piece.finish.reason))
                    if with_usage:
                        yield event(usage=ChatUsage.of(piece.usage))
                else:
                    yield event(ChunkChoice(delta=ChunkDelta(content=piece)))
    except Exception:
        log.exception("a streamed answer failed")
        error = OpenAIError(message="something went wrong while answering", type="server_error")
        yield f'data: {{"error": {error.model_dump_json()}}}\n\n'
    yield "data: [DONE]\n\n"


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


def _citations(sources: tuple[Source, ...]) -> list[Citation]:
    return [
        Citation(
            number=source.number,
            document_id=source.passage.chunk.document_id,
            chunk_index=source.passage.chunk.chunk_index,
            url=source.passage.chunk.url,
            title=source.passage.chunk.title,
            text=source.passage.text,
            score=source.passage.score,
        )
        for source in sources
    ]
