"""What an encoder can do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class SparseVector:
    """The non-zero dimensions of a vector and their weights, of equal length."""

    indices: list[int]
    values: list[float]


class TextVectors(NamedTuple):
    """What one reading of some texts gives, in their order."""

    texts: "NDArray[np.float32]"
    """A vector of each text, of length 1, shape (texts, dimensions)."""
    words: "list[NDArray[np.float32]]"
    """Of each text the vectors of its words, or pieces of words, in their context: of length 1, shape
    (pieces, dimensions), without the special tokens that frame it. A text without words has one of zeros."""


class Embedder(Protocol):
    """A dense encoder; safe to call from several threads."""

    @property
    def model_name(self) -> str:
        """The name that the collection of its vectors carries."""

    @property
    def dimensions(self) -> int:
        """Length of a vector."""

    @property
    def max_tokens(self) -> int:
        """How many tokens it reads of a text, its special tokens included; the rest is cut off."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text has, special tokens included, without any cut."""

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Vectors of length 1, shape (len(texts), dimensions), in the order of `texts`.

        Hand it all you have: it sorts by length and forms its own batches.
        """

    def embed_with_words(self, texts: Sequence[str]) -> TextVectors:
        """The same vectors, and those of the texts' words, which the encoder makes on its way to them.

        They take a hundred times the memory: hand over a few dozen texts.
        """


class SparseEmbedder(Protocol):
    """A lexical encoder; documents and queries are weighted differently."""

    def embed_documents(self, texts: Sequence[str]) -> list[SparseVector]:
        """Term weights of passages; the index multiplies them by the inverse document frequency."""

    def embed_query(self, text: str) -> SparseVector:
        """Term weights of a question."""
