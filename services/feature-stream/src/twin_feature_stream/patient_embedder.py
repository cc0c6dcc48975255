"""An encoder that is a server may be away, as any server may; then the stream waits and says so."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from twin_common.embedding import Embedder, EmbeddingSettings, TextVectors, load_embedder
from twin_feature_stream.background_loop import BackgroundLoop
from twin_feature_stream.patience import Patience

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T")


def load_patiently(settings: EmbeddingSettings, patience: Patience, loop: BackgroundLoop) -> Embedder:
    """The configured encoder, once its server answers if it has one. Raises: as `load_embedder`; Stopping."""
    return loop.run(patience.wait_for("the encoder", lambda: asyncio.to_thread(load_embedder, settings)))


class PatientEmbedder:
    """Asks an encoder again while it is away.

    Every method also raises ServerUnavailable, when it was away longer than the policy allows, and Stopping.
    """

    def __init__(self, embedder: Embedder, patience: Patience, loop: BackgroundLoop) -> None:
        self._embedder = embedder
        self._patience = patience
        self._loop = loop
        self.model_name = embedder.model_name
        self.dimensions = embedder.dimensions
        self.max_tokens = embedder.max_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self._ask(lambda: self._embedder.count_tokens(texts))

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        return self._ask(lambda: self._embedder.embed(texts))

    def embed_with_words(self, texts: Sequence[str]) -> TextVectors:
        return self._ask(lambda: self._embedder.embed_with_words(texts))

    def _ask(self, question: Callable[[], T]) -> T:
        return self._loop.run(self._patience.wait_for("the encoder", lambda: asyncio.to_thread(question)))
