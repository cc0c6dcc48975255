"""Ends the process when the machine's clock is set back.

Bytewax plans by the wall clock when it reads next and when an epoch ends: after a step back it would rest
until the old time is reached again, an hour for an hour. A new process plans anew, and nothing is lost by the
end of this one, however sudden.
"""

import os
import threading
import time
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

_LOOK_EVERY_SECONDS = 1.0
_TOLERATED_SECONDS = 2.0
"""Corrections by NTP are smaller than this, or slower."""


class ClockGuard:
    """Compares the wall clock with one that nobody can set."""

    def __init__(
        self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall = wall
        self._steady = steady
        self._ahead = wall() - steady()

    def seconds_set_back(self) -> float:
        """How far the wall clock was set back since the last look; 0 for what is tolerated."""
        before, self._ahead = self._ahead, self._wall() - self._steady()
        back = before - self._ahead
        return back if back > _TOLERATED_SECONDS else 0.0


def end_when_clock_is_set_back() -> None:
    """Watch from a thread of its own, until the process ends, or ends it with 1."""

    def watch() -> None:
        guard, never = ClockGuard(), threading.Event()
        while not (back := guard.seconds_set_back()):
            never.wait(_LOOK_EVERY_SECONDS)
        log.critical("the clock was set back: ending, to be started again", seconds=round(back))
        os._exit(1)  # the flow itself rests, and would hear of nothing gentler

    threading.Thread(target=watch, name="clock", daemon=True).start()
