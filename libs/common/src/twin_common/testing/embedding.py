"""Encoders that cost nothing."""

import re
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from twin_common.embedding.protocol import TextVectors
from twin_common.embedding.vectors import unit


class HashingEmbedder:
    """Vectors of hashed words: texts that share words are near, and equal texts are equal.

    A word is one token, plus two special tokens a text.
    """

    max_tokens = 256

    def __init__(self, dimensions: int = 384, model_name: str = "hashing") -> None:
        """Another name gives other vectors, as another model would."""
        self.dimensions = dimensions
        self.model_name = model_name

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(_words(text)) + 2 for text in texts]

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in ["", *_words(text)[: self.max_tokens - 2]]:
                vectors[row, self._place(word)] += 1.0
        return unit(vectors)

    def embed_with_words(self, texts: Sequence[str]) -> TextVectors:
        found = []
        for text in texts:
            words = _words(text)[: self.max_tokens - 2]
            vectors = np.zeros((max(1, len(words)), self.dimensions), dtype=np.float32)
            for row, word in enumerate(words):
                vectors[row, self._place(word)] = 1.0
            found.append(vectors)
        return TextVectors(self.embed(texts), found)

    def _place(self, word: str) -> int:
        salt = self.model_name.encode()[:16]
        digest = int.from_bytes(blake2b(word.lower().encode(), digest_size=8, salt=salt).digest())
        return digest % self.dimensions


class NullEmbedder(HashingEmbedder):
    """One fixed vector for every text: what remains of a pipeline's time is its own."""

    def __init__(self, dimensions: int = 384) -> None:
        super().__init__(dimensions, "null")

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        vectors[:, 0] = 1.0
        return vectors

    def embed_with_words(self, texts: Sequence[str]) -> TextVectors:
        vectors = self.embed(texts)
        counts = [len(_words(text)[: self.max_tokens - 2]) for text in texts]
        shapes = [(max(1, count), self.dimensions) for count in counts]
        words = [
            np.broadcast_to(vector if count else np.zeros_like(vector), shape)
            for vector, count, shape in zip(vectors, counts, shapes, strict=True)
        ]
        return TextVectors(vectors, words)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+|[^\w\s]", text)
