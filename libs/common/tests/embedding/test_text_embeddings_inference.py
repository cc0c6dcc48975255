"""What may go wrong with an encoder that is a server."""

from collections.abc import Iterator

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_common.embedding import EmbeddingSettings, load_embedder
from twin_common.embedding.text_embeddings_inference import (
    EncoderRefused,
    RequestPolicy,
    TextEmbeddingsInferenceEmbedder,
    _batches,
)
from twin_common.errors import ServerUnavailable
from twin_common.testing.embedding import HashingEmbedder
from twin_common.testing.text_embeddings_inference import FakeServer, serving

HASTY = RequestPolicy(timeout_seconds=10, pauses=(0.01, 0.01))


@pytest.fixture
def server() -> FakeServer:
    return FakeServer(HashingEmbedder(), texts_a_request=8)


@pytest.fixture
def embedder(server: FakeServer) -> Iterator[TextEmbeddingsInferenceEmbedder]:
    with serving(server) as url, httpx.Client(base_url=url) as client:
        yield TextEmbeddingsInferenceEmbedder(client, HASTY)


class TestRequests:
    def test_hold_as_many_texts_as_the_server_takes(
        self, server: FakeServer, embedder: TextEmbeddingsInferenceEmbedder
    ) -> None:
        server.requests.clear()
        texts = [f"word{number}" for number in range(20)]
        np.testing.assert_allclose(embedder.embed(texts), HashingEmbedder().embed(texts), atol=1e-6)
        assert sorted(server.requests) == [("/embed", 4), ("/embed", 8), ("/embed", 8)]

    @given(st.lists(st.integers(0, 500_000), max_size=12))
    def test_neither_lose_nor_move_a_text_and_stay_small(self, lengths: list[int]) -> None:
        texts = ["x" * length for length in lengths]
        batches = list(_batches(texts, 5))
        assert [text for batch in batches for text in batch] == texts
        assert all(len(batch) == 1 or sum(map(len, batch)) <= 400_000 for batch in batches)
        assert all(1 <= len(batch) <= 5 for batch in batches)


class TestFailures:
    @pytest.mark.parametrize("status", [429, 500, 503])
    def test_what_may_pass_is_tried_again(
        self, server: FakeServer, embedder: TextEmbeddingsInferenceEmbedder, status: int
    ) -> None:
        server.statuses = [status, status]
        assert embedder.count_tokens(["one word"]) == [4]

    def test_a_server_that_stays_away_is_named(
        self, server: FakeServer, embedder: TextEmbeddingsInferenceEmbedder
    ) -> None:
        server.statuses = [503] * 3
        with pytest.raises(ServerUnavailable, match=r"127\.0\.0\.1.*503.*overloaded"):
            embedder.embed(["one"])

    def test_a_refusal_is_not_repeated(
        self, server: FakeServer, embedder: TextEmbeddingsInferenceEmbedder
    ) -> None:
        server.requests.clear()
        server.statuses = [424]
        with pytest.raises(EncoderRefused, match="/embed answers 424"):
            embedder.embed(["one"])
        assert len(server.requests) == 1

    def test_nobody_listens(self) -> None:
        with httpx.Client(base_url="http://127.0.0.1:9") as client, pytest.raises(ServerUnavailable):
            TextEmbeddingsInferenceEmbedder(client, HASTY)


class TestSettings:
    def test_the_address_is_required(self) -> None:
        with pytest.raises(ValueError, match="EMBEDDING_URL is missing"):
            load_embedder(EmbeddingSettings(backend="text-embeddings-inference"))

    def test_another_model_than_the_configured_one_is_refused(self, server: FakeServer) -> None:
        with (
            serving(server) as url,
            pytest.raises(ValueError, match="EMBEDDING_MODEL is bge"),
        ):
            load_embedder(EmbeddingSettings(backend="text-embeddings-inference", url=url, model="bge"))
