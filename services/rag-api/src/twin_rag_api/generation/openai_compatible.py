"""Any server that speaks OpenAI's chat API: TGI, vLLM, llama.cpp, or OpenAI itself."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from twin_rag_api.generation.citations import with_valid_citations
from twin_rag_api.generation.engines import EngineFailure, Finish, Piece, Task, Text, Usage
from twin_rag_api.generation.prompt import build_messages
from twin_rag_api.settings import ApiSettings

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream
    from openai.types.chat import ChatCompletionChunk

_Value = TypeVar("_Value")
_FINISHES = {"stop": Finish("stop"), "length": Finish("length"), "content_filter": Finish("content_filter")}


class OpenAICompatibleEngine:
    """Streams from the configured server, whether or not the caller streams."""

    heeds = frozenset(("temperature", "top_p", "max_tokens", "stop", "seed", "response_format", "n"))

    def __init__(self, client: "AsyncOpenAI", settings: ApiSettings) -> None:
        self._client = client
        self._settings = settings
        self.name = settings.llm_model or ""
        self.provider = urlsplit(settings.llm_url or "").hostname or "openai"

    @classmethod
    def connect(cls, settings: ApiSettings) -> "OpenAICompatibleEngine":
        """An engine for the server of `settings`; it connects at its first question."""
        from httpx2 import Timeout
        from openai import AsyncOpenAI

        key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else "none"
        client = AsyncOpenAI(
            base_url=settings.llm_url,
            api_key=key,
            max_retries=0,  # a fallback answers sooner than a second try
            timeout=Timeout(
                connect=settings.llm_connect_timeout_seconds,
                read=settings.llm_first_token_timeout_seconds,
                write=settings.llm_connect_timeout_seconds,
                pool=settings.llm_connect_timeout_seconds,
            ),
        )
        return cls(client, settings)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.close()

    def write(self, task: Task) -> AsyncGenerator[Piece, None]:
        """The model's answer; the request ends with the iterator, so nobody pays for words nobody reads."""
        return with_valid_citations(self._stream(task), [source.number for source in task.sources])

    async def _stream(self, task: Task) -> AsyncGenerator[Piece, None]:
        from httpx2 import HTTPError
        from openai import APIError

        try:
            first = self._settings.llm_first_token_timeout_seconds
            async with await _within(first, "first_token_timeout", self._open(task)) as stream:
                async for piece in self._pieces(aiter(stream)):
                    yield piece
        except APIError as error:
            raise _failure(error) from error
        except (HTTPError, ValueError) as error:
            raise EngineFailure("broken_stream", f"{type(error).__name__}: {error}") from error

    async def _pieces(self, chunks: "AsyncIterator[ChatCompletionChunk]") -> AsyncGenerator[Piece, None]:
        """Texts as they come, then the usage, then why it ended.

        Raises:
            EngineFailure: it paused too long, wrote nothing, or ended without saying why.
        """
        wrote = False
        finish: Finish | None = None
        while True:
            if wrote:
                limit, reason = self._settings.llm_next_token_timeout_seconds, "next_token_timeout"
            else:
                limit, reason = self._settings.llm_first_token_timeout_seconds, "first_token_timeout"
            chunk = await _within(limit, reason, anext(chunks, None))
            if chunk is None:
                break
            for choice in chunk.choices[:1]:
                if choice.delta.content:
                    wrote = True
                    yield Text(choice.delta.content)
                if choice.finish_reason:
                    finish = _FINISHES.get(choice.finish_reason, Finish("stop"))
            if chunk.usage:
                yield Usage(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
        if finish is None:
            raise EngineFailure("broken_stream", "the stream ended before the answer did")
        if not wrote:
            raise EngineFailure("empty", "the model wrote nothing")
        yield finish

    async def _open(self, task: Task) -> "AsyncStream[ChatCompletionChunk]":
        from openai import Omit, omit

        def wish(value: _Value | None) -> _Value | Omit:
            return omit if value is None else value

        sampling = task.sampling
        return await self._client.chat.completions.create(
            model=self.name,
            messages=build_messages(task),
            stream=True,
            stream_options={"include_usage": True},
            temperature=wish(sampling.temperature),
            top_p=wish(sampling.top_p),
            max_tokens=wish(sampling.max_tokens),
            stop=wish(list(sampling.stop) or None),
        )


async def _within(seconds: float, reason: str, work: Awaitable[_Value]) -> _Value:
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError as error:
        raise EngineFailure(reason, f"nothing came for {seconds:g} s") from error


def _failure(error: Exception) -> EngineFailure:
    from openai import APIConnectionError, APIStatusError, APITimeoutError

    if isinstance(error, APITimeoutError):
        return EngineFailure("connect_timeout", "the server did not answer in time")
    if isinstance(error, APIConnectionError):
        return EngineFailure("connection", f"the server cannot be reached: {error.__cause__ or error}")
    if isinstance(error, APIStatusError):
        return EngineFailure(f"status_{error.status_code}", f"the server answered {error.status_code}")
    return EngineFailure("broken_stream", str(error)[:200])
