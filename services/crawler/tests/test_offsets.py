"""Committed offsets never pass a run that is under way."""

from hypothesis import given
from hypothesis import strategies as st

from twin_crawler.offsets import OffsetTracker


class TestOffsetTracker:
    def test_the_oldest_run_under_way_holds_the_offset(self) -> None:
        tracker = OffsetTracker()
        for offset in (5, 6, 7):
            tracker.take(0, offset)
        assert tracker.finish(0, 6) == 5
        assert tracker.finish(0, 5) == 7
        assert tracker.finish(0, 7) == 8

    def test_partitions_do_not_mix(self) -> None:
        tracker = OffsetTracker()
        tracker.take(0, 1)
        tracker.take(1, 9)
        assert tracker.finish(1, 9) == 10

    @given(st.permutations(range(10)))
    def test_in_whatever_order_runs_end(self, order: list[int]) -> None:
        tracker = OffsetTracker()
        for offset in range(10):
            tracker.take(0, offset)
        done: set[int] = set()
        for offset in order:
            committed = tracker.finish(0, offset)
            done.add(offset)
            assert set(range(committed)) <= done
            assert committed not in done
        assert committed == 10
