"""A language model behind any OpenAI-compatible URL, as the building of datasets asks it."""

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

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


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
            response = await self._client.post("chat/completions", json=body)
            response.raise_for_status()
            text = response.json()["choices"][0]["message"]["content"]
        except httpx.TimeoutException as error:
            raise ModelFailure("timeout", f"{self.name} did not answer in time") from error
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            raise ModelFailure(f"status_{status}", f"{self.name} answered {status}") from error
        except httpx.HTTPError as error:
            raise ModelFailure("connection", f"{self.name} cannot be reached: {error}") from error
        except (ValueError, LookupError, TypeError) as error:
            raise ModelFailure("malformed", f"{self.name} answered no chat completion") from error
        if not isinstance(text, str) or not text.strip():
            raise ModelFailure("empty", f"{self.name} wrote nothing")
        return text.strip()

    async def aclose(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()
