"""Words as the index keeps them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from twin_common.embedding import EmbeddingSettings, load_embedder
from twin_common.embedding.vectors import unit
from twin_common.embedding.words import nearest_words, pack_words, unpack_words


def random_words(generator: np.random.Generator, count: int, dimensions: int) -> NDArray[np.float32]:
    return unit(generator.normal(size=(count, dimensions)).astype(np.float32))


def kept(words: NDArray[np.float32]) -> NDArray[np.uint8]:
    return unpack_words(pack_words(words), words.shape[1])


class TestNearest:
    @given(
        counts=st.lists(st.integers(1, 9), min_size=1, max_size=6),
        dimensions=st.integers(1, 70),
        seed=st.integers(0, 2**16),
    )
    def test_each_text_answers_for_its_own_words(self, counts: list[int], dimensions: int, seed: int) -> None:
        generator = np.random.default_rng(seed)
        texts = [random_words(generator, count, dimensions) for count in counts]
        asked = random_words(generator, 3, dimensions)
        nearest = nearest_words(asked, [kept(words) for words in texts])
        signs = [np.where(words > 0, 1, -1) for words in texts]
        expected = np.stack([(own @ asked.T).max(axis=0) for own in signs])
        np.testing.assert_allclose(nearest, expected * np.sqrt(np.pi / 2 / dimensions), atol=1e-4)

    def test_what_is_told_is_about_the_cosine(self) -> None:
        generator = np.random.default_rng(1)
        words, noise = random_words(generator, 300, 384), random_words(generator, 300, 384)
        asked = unit((words + 0.7 * noise).astype(np.float32))
        told = np.array([nearest_words(asked[[row]], [kept(words[[row]])]).item() for row in range(300)])
        assert told.mean() == pytest.approx((asked * words).sum(axis=1).mean(), abs=0.02)
        assert told.std() < 0.06

    def test_of_a_real_encoders_words_the_fitting_texts_stay_ahead(self) -> None:
        encoder = load_embedder(EmbeddingSettings())
        texts = [
            "The harbour master reads the tide tables before dawn.",
            "A loom weaves the pattern that its cards spell out.",
            "Sourdough rises slowly in a cold kitchen.",
            "Ships wait outside until the water is high enough.",
        ]
        [asked] = encoder.embed_with_words(["When may a boat enter the port?"]).words
        words = encoder.embed_with_words(texts).words
        whole = np.stack([(own @ asked.T).max(axis=0) for own in words]).mean(axis=1)
        after = nearest_words(asked, [kept(own) for own in words]).mean(axis=1)
        assert np.argsort(-after)[:2].tolist() == np.argsort(-whole)[:2].tolist() == [3, 0]
        np.testing.assert_allclose(after, whole, atol=0.08)


class TestPacking:
    def test_a_word_takes_a_bit_a_dimension(self) -> None:
        packed = pack_words(random_words(np.random.default_rng(2), 90, 384))
        assert len(packed) == 90 * 384 / 8 * 4 / 3
