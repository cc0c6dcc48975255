"""When a language model that keeps failing is left alone, and how it is tried again."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto


@dataclass(frozen=True)
class BreakerPolicy:
    """How many failures are enough, and how long the pause is."""

    failures: int = 3
    """So many in a row, and nobody is made to wait for the next."""
    pause_seconds: float = 10.0
    longest_pause_seconds: float = 120.0
    """Every failed probe doubles the pause up to this."""


class Admission(Enum):
    """How a question was let through."""

    CLOSED = auto()
    """As ever."""
    PROBE = auto()
    """The one question that tries whether the engine is back."""


class Outcome(Enum):
    """What became of it."""

    SUCCEEDED = auto()
    FAILED = auto()
    WITHDRAWN = auto()
    """The caller went away, which says nothing of the engine."""


class CircuitBreaker:
    """Closed, open, and half open while a single probe is out. Every admission is to be settled."""

    def __init__(
        self, policy: BreakerPolicy = BreakerPolicy(), now: Callable[[], float] = time.monotonic
    ) -> None:
        self._policy = policy
        self._now = now
        self._failures = 0
        self._pause = policy.pause_seconds
        self._open_until: float | None = None
        self._probing = False

    def admit(self) -> Admission | None:
        """Let a question through, or not."""
        if self._open_until is None:
            return Admission.CLOSED
        if self._probing or self._now() < self._open_until:
            return None
        self._probing = True
        return Admission.PROBE

    def settle(self, admission: Admission, outcome: Outcome) -> None:
        """Tell what became of an admitted question."""
        if admission is Admission.PROBE:
            self._probing = False
            if outcome is Outcome.SUCCEEDED:
                self._close()
            elif outcome is Outcome.FAILED:
                self._pause = min(2 * self._pause, self._policy.longest_pause_seconds)
                self._open_until = self._now() + self._pause
        elif self._open_until is None:
            # A question from before it opened says nothing that is not known by now.
            if outcome is Outcome.SUCCEEDED:
                self._failures = 0
            elif outcome is Outcome.FAILED:
                self._failures += 1
                if self._failures >= self._policy.failures:
                    self._open_until = self._now() + self._pause

    def _close(self) -> None:
        self._failures = 0
        self._pause = self._policy.pause_seconds
        self._open_until = None
