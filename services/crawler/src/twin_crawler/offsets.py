"""Which offset may be committed while several runs of a partition are under way. Pure bookkeeping."""

from collections import defaultdict


class OffsetTracker:
    """Per partition: what was taken, what is still under way, and how far everything is done."""

    def __init__(self) -> None:
        self._under_way: dict[int, set[int]] = defaultdict(set)
        self._next: dict[int, int] = {}

    def take(self, partition: int, offset: int) -> None:
        """A record was read and its work begins."""
        self._under_way[partition].add(offset)
        self._next[partition] = max(offset + 1, self._next.get(partition, 0))

    def finish(self, partition: int, offset: int) -> int:
        """The work on a record is done.

        Returns:
            The offset to commit: everything below it is done.
        """
        self._under_way[partition].discard(offset)
        return min(self._under_way[partition], default=self._next[partition])
