"""Taking a holder for dead because what it counts up stands still, without comparing clocks.

The holder of something counts up while it lives. Whoever waits for it looks at the count now and then, and
measures by a stopwatch of its own how long it has not moved.
"""

import time
from collections.abc import Callable

Stopwatch = Callable[[], float]
"""Seconds since some moment; only differences mean something."""

_NOTHING = object()


class Standstill:
    """For how long a value has not changed, as far as the one who looks can tell."""

    def __init__(self, stopwatch: Stopwatch = time.monotonic) -> None:
        self._stopwatch = stopwatch
        self._seen: object = _NOTHING
        self._since = 0.0

    def seconds(self, value: object, asked_at: float) -> float:
        """How long the value had stood when it was asked for; 0 if it is another one than before.

        Args:
            value: the answer that came just now.
            asked_at: the stopwatch before the question: a slow answer never adds to what was waited.
        """
        if value != self._seen:
            self._seen, self._since = value, self._stopwatch()
        return max(0.0, asked_at - self._since)
