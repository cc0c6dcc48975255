"""Text to vectors: one protocol, several encoders, chosen by settings."""

from twin_common.embedding.loading import load_embedder, load_sparse_embedder
from twin_common.embedding.protocol import Embedder, SparseEmbedder, SparseVector, TextVectors
from twin_common.embedding.settings import EmbeddingSettings

__all__ = [
    "Embedder",
    "EmbeddingSettings",
    "SparseEmbedder",
    "SparseVector",
    "TextVectors",
    "load_embedder",
    "load_sparse_embedder",
]
