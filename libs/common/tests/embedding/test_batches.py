"""Batches of texts of similar length."""

from itertools import chain, pairwise

from hypothesis import given
from hypothesis import strategies as st

from twin_common.embedding.batches import by_length


class TestByLength:
    @given(st.lists(st.integers(0, 500), max_size=100), st.integers(1, 20))
    def test_every_position_is_in_one_batch_and_none_is_too_large(
        self, lengths: list[int], size: int
    ) -> None:
        batches = by_length(lengths, size)
        assert sorted(chain.from_iterable(batches)) == list(range(len(lengths)))
        assert all(len(batch) == size for batch in batches[:-1])
        assert all(0 < len(batch) <= size for batch in batches)

    @given(st.lists(st.integers(0, 500), max_size=100), st.integers(1, 20))
    def test_no_text_is_longer_than_one_of_an_earlier_batch(self, lengths: list[int], size: int) -> None:
        for earlier, later in pairwise(by_length(lengths, size)):
            assert min(lengths[position] for position in earlier) >= max(
                lengths[position] for position in later
            )

    def test_equal_lengths_stay_in_order(self) -> None:
        assert by_length([3, 3, 3, 3], 3) == [[0, 1, 2], [3]]
