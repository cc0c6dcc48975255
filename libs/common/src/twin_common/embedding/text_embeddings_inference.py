"""A server of Hugging Face's Text Embeddings Inference; needs the extra `text-embeddings-inference`.

Its routes, `/info`, `/embed`, `/embed_all` and `/tokenize`: https://huggingface.github.io/text-embeddings-inference/
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self

import httpx
import numpy as np
import orjson
from numpy.typing import NDArray

from twin_common.embedding.protocol import TextVectors
from twin_common.embedding.settings import EmbeddingSettings
from twin_common.embedding.vectors import unit, words_of
from twin_common.errors import ServerUnavailable, TwinError

_AT_ONCE = 4
"""Requests under way; the server makes batches of its own across them."""
_CHARACTERS_A_REQUEST = 400_000
"""The server refuses bodies of more than 2 MB by default; a character may take four bytes."""


_TEXTS_WITH_WORDS = 8
"""A request for words: a chunk of 96 tokens comes back as half a megabyte of JSON."""


class EncoderRefused(TwinError):
    """The server answers, and will not encode this; a repetition would change nothing."""


@dataclass(frozen=True)
class RequestPolicy:
    """How long the server may be away; a service that waits longer says so by what it raises."""

    timeout_seconds: float = 60.0
    pauses: tuple[float, ...] = (0.2, 0.5, 1.0, 2.0)
    """Before each repetition of a request that was not answered, or answered as overloaded."""


class TextEmbeddingsInferenceEmbedder:
    """Vectors from a server, for models that want a GPU; the services themselves load none."""

    def __init__(self, client: httpx.Client, policy: RequestPolicy) -> None:
        """Ask the server what it serves.

        Raises:
            ServerUnavailable: it does not answer.
            EncoderRefused: it serves no model of embeddings.
        """
        self._client = client
        self._policy = policy
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="encoder")
        info = self._request("GET", "/info", None)
        self._texts_a_request = int(info["max_client_batch_size"])
        self.model_name = str(info["model_id"])
        self.max_tokens = int(info["max_input_length"])
        self.dimensions = self._vectors(["dimensions"]).shape[1]

    @classmethod
    def load(cls, settings: EmbeddingSettings) -> Self:
        """Connect to the configured server.

        Raises: as `__init__`; ValueError: no address, or another model than the configured one.
        """
        if not settings.url:
            raise ValueError("EMBEDDING_URL is missing: the address of the Text Embeddings Inference server")
        key = settings.api_key.get_secret_value() if settings.api_key else ""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        policy = RequestPolicy()
        client = httpx.Client(base_url=settings.url, headers=headers, timeout=policy.timeout_seconds)
        found = cls(client, policy)
        if settings.model not in (None, found.model_name):
            raise ValueError(
                f"{settings.url} serves {found.model_name}, and EMBEDDING_MODEL is {settings.model}"
            )
        return found

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        rows = self._batched("/tokenize", texts, {"add_special_tokens": True})
        return [len(row) for row in rows]

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if not texts:
            return np.zeros((0, self.dimensions), dtype=np.float32)
        return self._vectors(texts)

    def embed_with_words(self, texts: Sequence[str]) -> TextVectors:
        # No route gives both, and how a model makes one vector of them is the server's own.
        rows = self._batched("/embed_all", texts, {"truncate": True}, _TEXTS_WITH_WORDS)
        return TextVectors(self.embed(texts), [words_of(np.asarray(row, dtype=np.float32)) for row in rows])

    def _vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = self._batched("/embed", texts, {"truncate": True, "normalize": True})
        return unit(np.asarray(rows, dtype=np.float32))

    def _batched(
        self, path: str, texts: Sequence[str], options: dict[str, bool], most: int | None = None
    ) -> list[Any]:
        # The server refuses an empty text; a space has the same tokens, the two special ones.
        size = min(most or self._texts_a_request, self._texts_a_request)
        batches = _batches([text or " " for text in texts], size)
        bodies = [{"inputs": batch, **options} for batch in batches]
        answers = self._threads.map(lambda body: self._request("POST", path, body), bodies)
        return [row for answer in answers for row in answer]

    def _request(self, method: str, path: str, body: object) -> Any:
        problem = ""
        for pause in (*self._policy.pauses, None):
            try:
                answer = self._client.request(method, path, json=body)
            except httpx.TransportError as error:
                problem = repr(error)
            else:
                if answer.is_success:
                    return orjson.loads(answer.content)
                problem = f"{answer.status_code}: {answer.text[:300]}"
                if answer.status_code != httpx.codes.TOO_MANY_REQUESTS and answer.status_code < 500:
                    raise EncoderRefused(f"{self._client.base_url.join(path)} answers {problem}")
            if pause is not None:
                time.sleep(pause)
        raise ServerUnavailable(f"the encoder at {self._client.base_url} does not answer: {problem}")


def _batches(texts: Sequence[str], most: int) -> Iterator[list[str]]:
    """The texts in their order, in requests that the server takes."""
    batch: list[str] = []
    characters = 0
    for text in texts:
        if batch and (len(batch) == most or characters + len(text) > _CHARACTERS_A_REQUEST):
            yield batch
            batch, characters = [], 0
        batch.append(text)
        characters += len(text)
    if batch:
        yield batch
