"""Which encoder a service uses."""

from typing import Literal

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class EmbeddingSettings(BaseSettings):
    """The encoder, the same for indexing and searching; read from `EMBEDDING_*`."""

    model_config = SettingsConfigDict(env_prefix="EMBEDDING_", use_attribute_docstrings=True)

    backend: Literal["onnx", "sentence-transformers", "text-embeddings-inference", "hashing"] = "onnx"
    """onnx: all-MiniLM-L6-v2 on onnxruntime, no download. sentence-transformers: any of its models.
    text-embeddings-inference: whatever that server serves. hashing: hashed words, for tests of everything
    but the encoder."""
    model: str | None = None
    """A sentence-transformers model, by name or folder; None: all-MiniLM-L6-v2 out of a Python package, or
    what the server serves."""
    url: str | None = None
    """Address of a Text Embeddings Inference server."""
    api_key: SecretStr | None = None
    """What that server asks for, if anything."""
    precision: Literal["fp32", "bf16", "auto"] = "fp32"
    """Of a sentence-transformers model; auto: bf16 where this processor has instructions for it."""
    threads: int = 2
    """Threads of the encoder."""
    batch_size: int = 4
    """Texts in one run of the encoder: on two cores with AVX-512, 4 encoded 18 % more tokens a second than
    16 and took 250 MB less; on a GPU more is better."""
