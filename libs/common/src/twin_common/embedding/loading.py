"""From settings to an encoder; its library is imported only then."""

from twin_common.embedding.protocol import Embedder, SparseEmbedder
from twin_common.embedding.settings import EmbeddingSettings


def load_embedder(settings: EmbeddingSettings) -> Embedder:
    """Load the configured dense encoder.

    Raises:
        ImportError: the extra that the back end needs is not installed; the text says which.
        ServerUnavailable: the encoder is a server, and does not answer.
    """
    if settings.backend == "sentence-transformers":
        from twin_common.embedding.sentence_transformers import SentenceTransformersEmbedder

        return SentenceTransformersEmbedder.load(settings)
    if settings.backend == "text-embeddings-inference":
        from twin_common.embedding.text_embeddings_inference import TextEmbeddingsInferenceEmbedder

        return TextEmbeddingsInferenceEmbedder.load(settings)
    if settings.backend == "hashing":
        from twin_common.testing.embedding import HashingEmbedder

        return HashingEmbedder(model_name=settings.model or "hashing")
    from twin_common.embedding.onnx import OnnxEmbedder

    return OnnxEmbedder.load(settings)


def load_sparse_embedder() -> SparseEmbedder:
    """Load the BM25 encoder."""
    from twin_common.embedding.bm25 import Bm25Embedder

    return Bm25Embedder()
