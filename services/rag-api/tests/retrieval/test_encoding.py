"""The encoder behind its threads."""

import asyncio
import time
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from twin_common.embedding import Embedder, SparseEmbedder
from twin_common.testing.embedding import HashingEmbedder
from twin_rag_api.errors import NotReady
from twin_rag_api.retrieval.encoding import Encoding

from ..conftest import EMBEDDER, SPARSE


class Slow(HashingEmbedder):
    """Takes its time over sentences."""

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        if len(texts) > 1:
            time.sleep(0.5)
        return super().embed(texts)


class TestLoading:
    async def test_until_it_is_loaded_it_says_so(self) -> None:
        encoding = Encoding(lambda _: (EMBEDDER, SPARSE))
        assert encoding.missing == "the encoder is loading"
        with pytest.raises(NotReady, match="loading"):
            await encoding.question("tide")
        await encoding.load()
        assert encoding.missing is None
        encoding.close()

    async def test_a_failure_is_told(self) -> None:
        def broken(_: object) -> tuple[Embedder, SparseEmbedder]:
            raise ImportError("install twin-common[onnx]")

        encoding = Encoding(broken)
        with pytest.raises(ImportError):
            await encoding.load()
        assert encoding.missing is not None
        assert "install twin-common[onnx]" in encoding.missing
        encoding.close()


class TestThreads:
    async def test_the_event_loop_and_questions_never_wait_for_sentences(self) -> None:
        encoding = Encoding(lambda _: (Slow(), SPARSE))
        await encoding.load()
        sentences = asyncio.create_task(encoding.sentences(["one", "two"]))
        await asyncio.sleep(0.01)
        began = time.perf_counter()
        dense, sparse, *_ = await encoding.question("tide lamp")
        assert time.perf_counter() - began < 0.3
        assert not sentences.done()
        assert (await sentences).shape == (2, 384)
        assert len(dense) == 384
        assert len(sparse.indices) == 2
        encoding.close()
