"""What becomes of an encoder's last layer."""

import numpy as np
from numpy.typing import NDArray


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rows at length 1."""
    norms: NDArray[np.float32] = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12), dtype=np.float32)


def words_of(hidden: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vectors of one text's words, of length 1, without those of the two tokens that frame it."""
    inner = hidden[1:-1]
    return unit(inner) if len(inner) else np.zeros((1, hidden.shape[1]), dtype=np.float32)
