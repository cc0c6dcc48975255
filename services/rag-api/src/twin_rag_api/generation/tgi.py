"""Text Generation Inference by its own routes: /info, /chat_tokenize, /tokenize and /generate_stream.

The server applies the model's chat template, so that serving and training share the one that is stored with
the model, and counts with the model's own tokenizer.
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from twin_rag_api.generation.citations import with_valid_citations
from twin_rag_api.generation.engines import (
    ContextWindow,
    EngineFailure,
    Finish,
    Piece,
    Sampling,
    Task,
    Text,
    Usage,
)
from twin_rag_api.generation.prompt import build_messages
from twin_rag_api.generation.stop_sequences import StopSequences
from twin_rag_api.generation.waiting import PhaseTimeouts, in_time, within
from twin_rag_api.settings import ApiSettings

if TYPE_CHECKING:
    from httpx2 import AsyncClient

_INFO_SECONDS = 60.0
_FINISHES = {"length": Finish("length"), "eos_token": Finish("stop"), "stop_sequence": Finish("stop")}


class TgiEngine:
    """Streams from TGI."""

    provider = "text-generation-inference"
    heeds = frozenset(("temperature", "top_p", "max_tokens", "stop", "seed", "n", "json_schema"))
    """No json_object: its grammars want the properties named."""

    def __init__(self, client: "AsyncClient", name: str, answer_tokens: int, timeouts: PhaseTimeouts) -> None:
        self._client = client
        self._answer_tokens = answer_tokens
        self._timeouts = timeouts
        self._known: tuple[float, ContextWindow] | None = None
        self.name = name

    @classmethod
    def connect(cls, settings: ApiSettings) -> "TgiEngine":
        """An engine for the server of `settings`; it connects at its first question."""
        from httpx2 import AsyncClient, Timeout

        key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else None
        timeouts = settings.llm_timeouts()
        client = AsyncClient(
            base_url=(settings.llm_url or "").rstrip("/").removesuffix("/v1"),
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=Timeout(timeouts.connect, read=timeouts.first_token),
        )
        return cls(client, settings.llm_model or "tgi", settings.llm_answer_tokens, timeouts)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    async def window(self) -> ContextWindow:
        """What /info says; asked again after a minute, since another model may run by then."""
        if self._known is None or self._known[0] < time.monotonic():
            info = await self._ask("GET", "/info")
            try:
                total = int(info["max_total_tokens"])
                most = int(info.get("max_input_tokens") or total - 1)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise EngineFailure("broken_stream", "/info does not say how much it reads") from error
            window = ContextWindow(most, total, min(self._answer_tokens, max(1, total // 2)), _Tokens(self))
            self._known = (time.monotonic() + _INFO_SECONDS, window)
        return self._known[1]

    def write(self, task: Task) -> AsyncGenerator[Piece, None]:
        """The model's answer; the request ends with the iterator, so nobody pays for words nobody reads."""
        return with_valid_citations(self._stream(task), [source.number for source in task.sources])

    async def count(self, text: str) -> int:
        """Tokens of a text, for the model."""
        tokens = await self._ask("POST", "/tokenize", {"inputs": text, "add_special_tokens": False})
        return len(tokens)

    async def _stream(self, task: Task) -> AsyncGenerator[Piece, None]:
        from httpx2 import HTTPError

        prompt = await self._ask("POST", "/chat_tokenize", {"messages": build_messages(task)})
        try:
            text, read = str(prompt["templated_text"]), len(prompt["tokenize_response"])
            body = {"inputs": text, "parameters": _parameters(task.sampling, self._answer_tokens)}
            async with self._client.stream("POST", "/generate_stream", json=body) as response:
                if response.status_code >= 400:
                    raise _refusal(response.status_code)
                groups = _groups(response.aiter_lines(), StopSequences(task.sampling.stop), read)
                async with aclosing(in_time(groups, self._timeouts)) as pieces:
                    async for piece in pieces:
                        yield piece
        except HTTPError as error:
            raise _failure(error) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise EngineFailure("broken_stream", f"{type(error).__name__}: {error}") from error

    async def _ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        from httpx2 import HTTPError

        try:
            asking = self._client.request(method, path, json=body)
            response = await within(self._timeouts.first_token, "first_token_timeout", asking)
            if response.status_code >= 400:
                raise _refusal(response.status_code)
            return response.json()
        except HTTPError as error:
            raise _failure(error) from error
        except ValueError as error:
            raise EngineFailure("broken_stream", f"{path} answered what is no JSON") from error


class _Tokens:
    """Counts by asking the server."""

    def __init__(self, engine: TgiEngine) -> None:
        self._engine = engine

    async def count(self, texts: Sequence[str]) -> list[int]:
        return list(await asyncio.gather(*map(self._engine.count, texts)))


def _parameters(sampling: Sampling, answer_tokens: int) -> dict[str, object]:
    wishes: dict[str, object] = {"max_new_tokens": sampling.max_tokens or answer_tokens, "details": True}
    if sampling.temperature:
        wishes |= {"temperature": sampling.temperature, "do_sample": True}
    if sampling.top_p is not None and sampling.top_p < 1:  # it refuses 1, which is its default
        wishes["top_p"] = sampling.top_p
    if sampling.stop:
        wishes["stop"] = list(sampling.stop)
    if sampling.seed is not None:
        wishes["seed"] = sampling.seed
    schema = (sampling.response_format or {}).get("json_schema")
    if isinstance(schema, Mapping):
        wishes["grammar"] = {"type": "json", "value": schema["schema"]}
    return wishes


async def _groups(lines: AsyncIterator[str], stop: StopSequences, read: int) -> AsyncIterator[list[Piece]]:
    async for line in lines:
        if not line.startswith("data:"):
            continue
        event = json.loads(line.removeprefix("data:"))
        if "error" in event:
            reason = "status_429" if event.get("error_type") == "overloaded" else "broken_stream"
            raise EngineFailure(reason, str(event["error"])[:200])
        token = event["token"]
        text, _ = ("", False) if token["special"] else stop.feed(token["text"])
        pieces: list[Piece] = [Text(text)] if text else []
        if details := event.get("details"):
            if details["finish_reason"] != "stop_sequence" and (rest := stop.finish()):
                pieces.append(Text(rest))
            pieces.append(Usage(read, int(details["generated_tokens"])))
            pieces.append(_FINISHES.get(details["finish_reason"], Finish("stop")))
        yield pieces


def _refusal(status: int) -> EngineFailure:
    return EngineFailure(f"status_{status}", f"the server answered {status}")


def _failure(error: Exception) -> EngineFailure:
    from httpx2 import ConnectError, ConnectTimeout, TimeoutException

    if isinstance(error, ConnectTimeout | TimeoutException):
        return EngineFailure("connect_timeout", "the server did not answer in time")
    if isinstance(error, ConnectError):
        return EngineFailure("connection", f"the server cannot be reached: {error}")
    return EngineFailure("broken_stream", f"{type(error).__name__}: {error}")
