"""A language model behind any OpenAI-compatible URL, as the building of datasets asks it."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import httpx
from pydantic import BaseModel, SecretStr

from twin_common.errors import TwinError

Messages = Sequence[dict[str, str]]


class ModelSettings(BaseModel):
    """Where a model is and how patient one is with it."""

    url: str
    """Base of an OpenAI-compatible API, such as http://127.0.0.1:8080/v1."""
    model: str
    api_key: SecretStr | None = None
    timeout_seconds: float = 60.0
    """For one whole answer."""
    concurrency: int = 8
    """Questions that are open at the same time."""


class ModelFailure(TwinError):
    """The model gave no usable answer; `reason` is a word for counting."""

    def __init__(self, reason: str, detail: str, *, is_transient: bool = False) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.is_transient = is_transient
        """Whether the same question may be answered a moment later."""


class ChatModel(Protocol):
    """Answers a conversation."""

    @property
    def name(self) -> str:
        """The model's name, for the lineage."""

    async def complete(self, messages: Messages, max_tokens: int) -> str:
        """The answer.

        Raises:
            ModelFailure: there is none.
        """


class OpenAICompatibleModel:
    """Asks for whole answers at temperature 0, so that a repeated build asks for the same."""

    def __init__(self, settings: ModelSettings) -> None:
        key = settings.api_key.get_secret_value() if settings.api_key else "none"
        self._client = httpx.AsyncClient(
            base_url=settings.url.rstrip("/") + "/",
            timeout=settings.timeout_seconds,
            headers={"authorization": f"Bearer {key}"},
            limits=httpx.Limits(max_connections=settings.concurrency),
        )
        self._timeout_seconds = settings.timeout_seconds
        self.name = settings.model

    async def complete(self, messages: Messages, max_tokens: int) -> str:
        """The model's answer.

        Raises:
            ModelFailure: a time-out, another status than 200, or no text.
        """
        body = {
            "model": self.name,
            "messages": list(messages),
            "max_tokens": max_tokens,
            "temperature": 0,
        }
        try:
            # httpx limits each read; a server that sends a byte now and then would never end.
            async with asyncio.timeout(self._timeout_seconds):
                response = await self._client.post("chat/completions", json=body)
            response.raise_for_status()
            text = response.json()["choices"][0]["message"]["content"]
        except (TimeoutError, httpx.TimeoutException) as error:
            raise ModelFailure("timeout", f"{self.name} did not answer in time") from error
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            is_transient = status == httpx.codes.TOO_MANY_REQUESTS or status >= 500
            detail = f"{self.name} answered {status}"
            raise ModelFailure(f"status_{status}", detail, is_transient=is_transient) from error
        except httpx.HTTPError as error:
            detail = f"{self.name} cannot be reached: {error}"
            raise ModelFailure("connection", detail, is_transient=True) from error
        except (ValueError, LookupError, TypeError) as error:
            raise ModelFailure("malformed", f"{self.name} answered no chat completion") from error
        if not isinstance(text, str) or not text.strip():
            raise ModelFailure("empty", f"{self.name} wrote nothing")
        return text.strip()

    async def aclose(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()
