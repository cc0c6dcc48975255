import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_feature_stream.signature import bands, from_text, sign, similarity, to_text

WORDS = [f"word{number}" for number in range(400)]


class TestSignature:
    def test_case_and_punctuation_say_nothing(self) -> None:
        one, other = (
            sign("One two, three four five six seven eight."),
            sign("one TWO three four five six seven eight"),
        )
        assert one is not None
        assert other is not None
        assert similarity(one, other) == 1

    def test_a_short_text_has_none(self) -> None:
        assert sign("Happy new year to all of you") is None

    @given(st.integers(40, 300), st.integers(0, 100))
    def test_the_estimate_is_close_to_the_share_of_shingles(self, length: int, added: int) -> None:
        one, other = sign(" ".join(WORDS[:length])), sign(" ".join(WORDS[: length + added]))
        assert one is not None
        assert other is not None
        assert similarity(one, other) == pytest.approx((length - 4) / (length + added - 4), abs=0.2)

    def test_it_survives_being_kept(self) -> None:
        signature = sign(" ".join(WORDS))
        assert signature is not None
        assert np.array_equal(from_text(to_text(signature)), signature)

    def test_it_is_the_same_for_ever(self) -> None:
        """Signatures of earlier releases stand in indexes."""
        signature = sign(" ".join(WORDS))
        assert signature is not None
        assert to_text(signature)[:16] == "AZFcD0ddew+wo0Qk"

    def test_copies_share_a_band_within_a_scope_only(self) -> None:
        one, other = sign(" ".join(WORDS)), sign(" ".join(WORDS[:350]))
        assert one is not None
        assert other is not None
        assert set(bands(one, "ada")) & set(bands(other, "ada"))
        assert not set(bands(one, "ada")) & set(bands(one, "bob"))
