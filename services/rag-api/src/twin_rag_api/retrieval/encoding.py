"""The encoder, off the event loop."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from twin_common.embedding import Embedder, SparseEmbedder, SparseVector
from twin_common.index_builds import ForeignIndex, IndexBuild
from twin_common.vector_index import CHUNKS, Collections
from twin_rag_api.errors import NotReady

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LoadEncoders = Callable[[IndexBuild | None], tuple[Embedder, SparseEmbedder]]
"""Loads the encoders of a build of the index, or those that are configured."""


class EncodedQuestion(NamedTuple):
    """The vectors of a question, and the collection whose vectors they may be compared with."""

    dense: list[float]
    sparse: SparseVector
    collection: str
    words: "NDArray[np.float32]"
    """The vectors of its words in their context, of length 1, shape (words, dimensions)."""


@dataclass(frozen=True)
class _Encoders:
    dense: Embedder
    sparse: SparseEmbedder
    collection: str


class Encoding:
    """Dense and sparse vectors from threads of their own.

    Questions have their own thread, so that a search never waits behind the sentences of an answer, nor
    behind an encoder that is being loaded.
    """

    def __init__(self, load: LoadEncoders) -> None:
        self._load = load
        self._questions = ThreadPoolExecutor(1, "encode-question")
        self._sentences = ThreadPoolExecutor(1, "encode-sentences")
        self._loading = ThreadPoolExecutor(1, "load-encoder")
        self._encoders: _Encoders | None = None
        self._state = "the encoder is loading"

    @property
    def missing(self) -> str | None:
        """A sentence while there is no encoder."""
        return None if self._encoders else self._state

    @property
    def collection(self) -> str | None:
        """Where questions are compared; None while there is no encoder."""
        return self._encoders.collection if self._encoders else None

    @property
    def model_name(self) -> str:
        """Which dense encoder is in use; empty while there is none."""
        return self._encoders.dense.model_name if self._encoders else ""

    async def load(self, build: IndexBuild | None = None) -> Embedder:
        """Load an encoder and warm it up; when that fails, `missing` says so until another is there.

        Until it is loaded, questions are encoded as before.

        Args:
            build: whose encoder; None: the configured one.

        Raises:
            ForeignIndex: the encoder that this service has is not that of the index.
        """
        loop = asyncio.get_running_loop()
        try:
            dense, sparse = await loop.run_in_executor(self._loading, self._load_warm, build)
        except Exception as error:
            self._state = f"the encoder cannot be loaded: {error}"
            if build is not None:
                self._state = (
                    f"the index was built with the encoder {build.name}, which this service cannot load "
                    f"({error}): give it that encoder, or build the index anew with 'twin reindex'"
                )
            raise
        self._encoders = _Encoders(dense, sparse, build.collections.chunks if build else CHUNKS)
        return dense

    async def use(self, build: IndexBuild) -> None:
        """Encode for this build from now on, loading its encoder if it is another one.

        Raises: as `load`.
        """
        now = self._encoders
        if now is not None and now.collection == build.collections.chunks:
            return
        if now is not None and Collections.of_model(now.dense.model_name) == build.collections:
            self._encoders = replace(now, collection=build.collections.chunks)
            return
        await self.load(build)

    def forget(self) -> None:
        """Encode nothing until an encoder is loaded: what there was fits no index any more."""
        self._encoders = None

    async def question(self, text: str) -> EncodedQuestion:
        """The dense and the BM25 vector of a question, and the vectors of its words."""
        encoders = self._ready()

        def encode() -> EncodedQuestion:
            [dense], [words] = encoders.dense.embed_with_words([text])
            sparse = encoders.sparse.embed_query(text)
            return EncodedQuestion(dense.tolist(), sparse, encoders.collection, words)

        return await asyncio.get_running_loop().run_in_executor(self._questions, encode)

    async def variants(self, texts: Sequence[str]) -> "tuple[NDArray[np.float32], list[SparseVector]]":
        """Other ways to put a question: dense vectors, shape (len(texts), dimensions), and BM25 vectors."""
        encoders = self._ready()

        def encode() -> "tuple[NDArray[np.float32], list[SparseVector]]":
            return encoders.dense.embed(texts), [encoders.sparse.embed_query(text) for text in texts]

        return await asyncio.get_running_loop().run_in_executor(self._questions, encode)

    async def sentences(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Dense vectors of passages' sentences, shape (len(texts), dimensions)."""
        dense = self._ready().dense
        return await asyncio.get_running_loop().run_in_executor(self._sentences, dense.embed, texts)

    def terms(self, texts: Sequence[str]) -> list[frozenset[int]]:
        """The ids of each passage's words after stemming, stop words left out; microseconds a text."""
        sparse = self._ready().sparse
        return [frozenset(vector.indices) for vector in sparse.embed_documents(texts)]

    def terms_of_question(self, text: str) -> frozenset[int]:
        """The ids of a question's words, comparable with those of `terms`."""
        sparse = self._ready().sparse
        return frozenset(sparse.embed_query(text).indices)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text has for the encoder."""
        return self._ready().dense.count_tokens(texts)

    def close(self) -> None:
        """Take no more work and forget what is queued."""
        for executor in (self._questions, self._sentences, self._loading):
            executor.shutdown(wait=False, cancel_futures=True)

    def _load_warm(self, build: IndexBuild | None) -> tuple[Embedder, SparseEmbedder]:
        dense, sparse = self._load(build)
        if build is not None and Collections.of_model(dense.model_name) != build.collections:
            raise ForeignIndex(f"it has {dense.model_name}")
        dense.embed(["warm up"])
        return dense, sparse

    def _ready(self) -> _Encoders:
        if self._encoders is None:
            raise NotReady([self._state])
        return self._encoders
