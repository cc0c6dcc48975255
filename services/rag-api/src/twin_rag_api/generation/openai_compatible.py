"""Any server that speaks OpenAI's chat API: vLLM, llama.cpp, Ollama, TGI, or OpenAI itself."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, TypeVar, cast
from urllib.parse import urlsplit

from twin_rag_api.generation.citations import with_valid_citations
from twin_rag_api.generation.engines import ContextWindow, EngineFailure, Finish, Piece, Task, Text, Usage
from twin_rag_api.generation.prompt import build_messages
from twin_rag_api.generation.token_counting import EstimatedTokens, FileTokens
from twin_rag_api.generation.waiting import PhaseTimeouts, in_time, within
from twin_rag_api.settings import ApiSettings

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream
    from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam
    from openai.types.chat.completion_create_params import ResponseFormat

_Value = TypeVar("_Value")
_FINISHES = {"stop": Finish("stop"), "length": Finish("length"), "content_filter": Finish("content_filter")}


class OpenAICompatibleEngine:
    """Streams from the configured server, whether or not the caller streams."""

    heeds = frozenset(
        ("temperature", "top_p", "max_tokens", "stop", "seed", "n", "json_object", "json_schema")
    )

    def __init__(
        self, client: "AsyncOpenAI", name: str, provider: str, window: ContextWindow, timeouts: PhaseTimeouts
    ) -> None:
        self._client = client
        self._window = window
        self._timeouts = timeouts
        self.name = name
        self.provider = provider

    @classmethod
    def connect(cls, settings: ApiSettings) -> "OpenAICompatibleEngine":
        """An engine for the server of `settings`; it connects at its first question.

        Raises:
            UnreadableTokenizer: the settings name a tokenizer that is none.
        """
        from httpx2 import Timeout
        from openai import AsyncOpenAI

        key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else "none"
        timeouts = settings.llm_timeouts()
        client = AsyncOpenAI(
            base_url=settings.llm_url,
            api_key=key,
            max_retries=0,  # a fallback answers sooner than a second try
            timeout=Timeout(timeouts.connect, read=timeouts.first_token),
        )
        counter = FileTokens(settings.llm_tokenizer) if settings.llm_tokenizer else EstimatedTokens()
        window = ContextWindow(
            input_tokens=settings.llm_context_tokens,
            total_tokens=settings.llm_context_tokens,
            answer_tokens=settings.llm_answer_tokens,
            counter=counter,
        )
        provider = urlsplit(settings.llm_url or "").hostname or "openai"
        return cls(client, settings.llm_model or "", provider, window, timeouts)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.close()

    async def window(self) -> ContextWindow:
        return self._window

    def write(self, task: Task) -> AsyncGenerator[Piece, None]:
        """The model's answer; the request ends with the iterator, so nobody pays for words nobody reads."""
        return with_valid_citations(self._stream(task), [source.number for source in task.sources])

    async def _stream(self, task: Task) -> AsyncGenerator[Piece, None]:
        from httpx2 import HTTPError
        from openai import APIError

        try:
            opening = self._open(task)
            stream = await within(self._timeouts.first_token, "first_token_timeout", opening)
            async with stream, aclosing(in_time(_groups(stream), self._timeouts)) as pieces:
                async for piece in pieces:
                    yield piece
        except APIError as error:
            raise _failure(error) from error
        except (HTTPError, ValueError, AttributeError, TypeError) as error:  # not the shape it should have
            raise EngineFailure("broken_stream", f"{type(error).__name__}: {error}") from error

    async def _open(self, task: Task) -> "AsyncStream[ChatCompletionChunk]":
        from openai import Omit, omit

        def wish(value: _Value | None) -> _Value | Omit:
            return omit if value is None else value

        sampling = task.sampling
        return await self._client.chat.completions.create(
            model=self.name,
            messages=cast("list[ChatCompletionMessageParam]", build_messages(task)),
            stream=True,
            stream_options={"include_usage": True},
            temperature=wish(sampling.temperature),
            top_p=wish(sampling.top_p),
            max_tokens=sampling.max_tokens or self._window.answer_tokens,
            stop=wish(list(sampling.stop) or None),
            seed=wish(sampling.seed),
            response_format=wish(_response_format(sampling.response_format)),
        )


async def _groups(stream: "AsyncStream[ChatCompletionChunk]") -> AsyncIterator[list[Piece]]:
    async for chunk in stream:
        pieces: list[Piece] = []
        for choice in chunk.choices[:1]:
            if choice.delta.content:
                pieces.append(Text(choice.delta.content))
            if choice.finish_reason:
                pieces.append(_FINISHES.get(choice.finish_reason, Finish("stop")))
        if chunk.usage:
            pieces.append(Usage(chunk.usage.prompt_tokens, chunk.usage.completion_tokens))
        yield pieces


def _response_format(wished: Mapping[str, object] | None) -> "ResponseFormat | None":
    return cast("ResponseFormat", dict(wished)) if wished else None


def _failure(error: Exception) -> EngineFailure:
    from openai import APIConnectionError, APIStatusError, APITimeoutError

    if isinstance(error, APITimeoutError):
        return EngineFailure("connect_timeout", "the server did not answer in time")
    if isinstance(error, APIConnectionError):
        return EngineFailure("connection", f"the server cannot be reached: {error.__cause__ or error}")
    if isinstance(error, APIStatusError):
        return EngineFailure(f"status_{error.status_code}", f"the server answered {error.status_code}")
    return EngineFailure("broken_stream", str(error)[:200])
