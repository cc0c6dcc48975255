"""The vectors of a text's words as the index keeps them: of each number its sign, one bit.

For a question's word q and a text's word x, both of length 1 in d dimensions, sqrt(pi/2 / d) * q.sign(x)
is about their cosine: of a random direction x the mean of |x_i| is sqrt(2/pi / d). The question keeps its
full numbers. A word takes 48 bytes instead of 1,536 (docs/adr/0035).
"""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from math import pi, sqrt
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def pack_words(words: "NDArray[np.float32]") -> str:
    """The signs of vectors of shape (words, dimensions), as text."""
    return b64encode(np.packbits(words > 0, axis=1).tobytes()).decode()


def unpack_words(packed: str, dimensions: int) -> "NDArray[np.uint8]":
    """What `pack_words` packed, eight signs a byte, shape (words, bytes)."""
    return np.frombuffer(b64decode(packed), np.uint8).reshape(-1, -(-dimensions // 8))


def nearest_words(
    asked: "NDArray[np.float32]", texts: "Sequence[NDArray[np.uint8]]"
) -> "NDArray[np.float32]":
    """How near each word of a question comes to the nearest word of each text.

    Args:
        asked: the question's words, of length 1, shape (words, dimensions).
        texts: the words of each text, from `unpack_words`, in as many dimensions.

    Returns:
        Cosines, about, of shape (len(texts), words).
    """
    dimensions = asked.shape[1]
    columns = np.ascontiguousarray(asked.T)
    nearest = np.empty((len(texts), len(asked)), dtype=np.float32)
    for place, words in enumerate(texts):  # one at a time: what is unpacked stays in the processor's cache
        bits = np.unpackbits(words, axis=1, count=dimensions).astype(np.float32)
        nearest[place] = (bits @ columns).max(axis=0)
    products = 2 * nearest - asked.sum(axis=1)  # a sign is twice the bit less one
    return np.asarray(sqrt(pi / 2 / dimensions) * products, dtype=np.float32)
