"""One suite for every encoder: what the protocol promises, whoever keeps it."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twin_common.embedding import Embedder, EmbeddingSettings, load_embedder
from twin_common.testing.embedding import HashingEmbedder, NullEmbedder
from twin_common.testing.text_embeddings_inference import FakeServer, serving

# PyTorch picks another kernel for another batch shape, and rounding with it.
_SAME = 1e-4

_TEXTS = [
    "A loom weaves the pattern that its cards spell out.",
    "Kafka keeps the events of one key in order.",
    "",
    "def add(a, b):\n    return a + b",
    "Ein Satz auf Deutsch, mit Umlauten: äöüß.",
    "🦀🦀🦀 emoji and 漢字 and العربية",
    " ".join(f"word{number}" for number in range(900)),
    "?",
    *(f"Paragraph {number} says something about wheel {number}. " * (number % 7 + 1) for number in range(40)),
]


def _sentence_transformers() -> Embedder:
    pytest.importorskip("sentence_transformers", reason="needs the dependency group torch")
    return load_embedder(EmbeddingSettings(backend="sentence-transformers"))


_ENCODERS: dict[str, Callable[[], Embedder]] = {
    "onnx": lambda: load_embedder(EmbeddingSettings()),
    "sentence-transformers": _sentence_transformers,
    "hashing": HashingEmbedder,
    "null": NullEmbedder,
}


@pytest.fixture(scope="module", params=[*_ENCODERS, "text-embeddings-inference"])
def embedder(request: pytest.FixtureRequest) -> Iterator[Embedder]:
    if request.param != "text-embeddings-inference":
        yield _ENCODERS[request.param]()
        return
    with serving(FakeServer(_ENCODERS["onnx"]())) as url:
        yield load_embedder(EmbeddingSettings(backend="text-embeddings-inference", url=url))


class TestWords:
    def test_each_text_has_vectors_of_length_1_in_its_place(self, embedder: Embedder) -> None:
        vectors, words = embedder.embed_with_words(_TEXTS)
        np.testing.assert_allclose(vectors, embedder.embed(_TEXTS), atol=_SAME)
        assert len(words) == len(_TEXTS)
        for text, own in zip(_TEXTS, words, strict=True):
            assert own.shape[1] == embedder.dimensions and own.dtype == np.float32
            assert 1 <= len(own) <= embedder.max_tokens
            np.testing.assert_allclose(np.linalg.norm(own, axis=1), 1.0 if text else 0.0, atol=1e-5)
        alone = embedder.embed_with_words(_TEXTS[:1]).words[0]
        np.testing.assert_allclose(words[0], alone, atol=2e-3)
        assert embedder.embed_with_words([]).words == []


class TestVectors:
    def test_have_the_promised_shape_type_and_length(self, embedder: Embedder) -> None:
        vectors = embedder.embed(_TEXTS)
        assert vectors.shape == (len(_TEXTS), embedder.dimensions) and vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)

    def test_of_no_text_are_none(self, embedder: Embedder) -> None:
        assert embedder.embed([]).shape == (0, embedder.dimensions)

    def test_stand_in_the_order_of_the_texts_and_do_not_depend_on_their_company(
        self, embedder: Embedder
    ) -> None:
        together = embedder.embed(_TEXTS)
        backwards = embedder.embed(_TEXTS[::-1])[::-1]
        alone = np.vstack([embedder.embed([text]) for text in _TEXTS])
        np.testing.assert_allclose(backwards, together, atol=_SAME)
        np.testing.assert_allclose(alone, together, atol=_SAME)

    @settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.sampled_from(_TEXTS[:6] + _TEXTS[7:]), min_size=1, max_size=12))
    def test_of_equal_texts_are_equal_in_any_batch(self, embedder: Embedder, texts: list[str]) -> None:
        vectors = embedder.embed(texts)
        first = {text: row for row, text in reversed(list(enumerate(texts)))}
        for row, text in enumerate(texts):
            np.testing.assert_allclose(vectors[row], vectors[first[text]], atol=_SAME)


class TestTokens:
    def test_are_counted_in_order_with_two_special_ones_and_without_a_cut(self, embedder: Embedder) -> None:
        assert embedder.count_tokens(["", "word", "word word", "word " * 1000]) == [2, 3, 4, 1002]
        assert embedder.count_tokens([]) == []

    def test_beyond_the_window_are_cut_off_unread(self, embedder: Embedder) -> None:
        fits = "word " * (embedder.max_tokens - 2)
        assert embedder.count_tokens([fits]) == [embedder.max_tokens]
        exact, longer = embedder.embed([fits, f"{fits} and then something else entirely"])
        np.testing.assert_allclose(longer, exact, atol=_SAME)


class TestMeaning:
    @pytest.mark.parametrize("name", ["onnx", "sentence-transformers", "hashing"])
    def test_a_question_is_nearest_to_the_text_it_is_about(self, name: str) -> None:
        encoder = _ENCODERS[name]()
        texts = ["how a loom weaves a pattern", "kafka keeps events in order", "a recipe for bread"]
        questions = ["does kafka keep events in order", "which pattern does a loom weave", "bread recipe"]
        nearest = (encoder.embed(questions) @ encoder.embed(texts).T).argmax(axis=1)
        assert nearest.tolist() == [1, 0, 2]

    def test_the_null_encoder_tells_nothing_apart(self) -> None:
        assert len(np.unique(NullEmbedder().embed(_TEXTS), axis=0)) == 1
