"""The encoder, off the event loop."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from twin_common.embedding import Embedder, SparseEmbedder, SparseVector
from twin_rag_api.errors import NotReady

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LoadEncoders = Callable[[], tuple[Embedder, SparseEmbedder]]


class Encoding:
    """Dense and sparse vectors from threads of their own.

    Questions have their own thread, so that a search never waits behind the sentences of an answer.
    """

    def __init__(self, load: LoadEncoders) -> None:
        self._load = load
        self._questions = ThreadPoolExecutor(1, "encode-question")
        self._sentences = ThreadPoolExecutor(1, "encode-sentences")
        self._encoders: tuple[Embedder, SparseEmbedder] | None = None
        self._state = "the encoder is loading"

    @property
    def missing(self) -> str | None:
        """A sentence while there is no encoder."""
        return None if self._encoders else self._state

    async def load(self) -> Embedder:
        """Load the encoder and warm it up; when that fails, `missing` says so from then on."""
        loop = asyncio.get_running_loop()
        try:
            encoders = await loop.run_in_executor(self._questions, self._load)
            await loop.run_in_executor(self._questions, encoders[0].embed, ["warm up"])
        except Exception as error:
            self._state = f"the encoder cannot be loaded: {error}"
            raise
        self._encoders = encoders
        return encoders[0]

    async def question(self, text: str) -> tuple[list[float], SparseVector]:
        """The dense and the BM25 vector of a question."""
        dense, sparse = self._ready()

        def encode() -> tuple[list[float], SparseVector]:
            return dense.embed([text])[0].tolist(), sparse.embed_query(text)

        return await asyncio.get_running_loop().run_in_executor(self._questions, encode)

    async def sentences(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Dense vectors of passages' sentences, shape (len(texts), dimensions)."""
        dense, _ = self._ready()
        return await asyncio.get_running_loop().run_in_executor(self._sentences, dense.embed, texts)

    def terms(self, texts: Sequence[str]) -> list[frozenset[int]]:
        """The ids of each passage's words after stemming, stop words left out; microseconds a text."""
        _, sparse = self._ready()
        return [frozenset(vector.indices) for vector in sparse.embed_documents(texts)]

    def terms_of_question(self, text: str) -> frozenset[int]:
        """The ids of a question's words, comparable with those of `terms`."""
        _, sparse = self._ready()
        return frozenset(sparse.embed_query(text).indices)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text has for the encoder."""
        dense, _ = self._ready()
        return dense.count_tokens(texts)

    def close(self) -> None:
        """Take no more work and forget what is queued."""
        for executor in (self._questions, self._sentences):
            executor.shutdown(wait=False, cancel_futures=True)

    def _ready(self) -> tuple[Embedder, SparseEmbedder]:
        if self._encoders is None:
            raise NotReady([self._state])
        return self._encoders
