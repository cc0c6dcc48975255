"""What the service is waiting for, and when it was told to stop."""

import threading


class Stopping(Exception):
    """The service was told to stop while something was under way; it will be repeated at the next start."""


class Readiness:
    """What is missing before the service can do its work, for `/readyz`; safe across threads."""

    def __init__(self) -> None:
        self._missing: dict[str, str] = {"service": "the service is starting"}

    def missing(self, what: str, sentence: str) -> None:
        self._missing = {**self._missing, what: sentence}

    def found(self, what: str) -> None:
        if what in self._missing:
            self._missing = {name: sentence for name, sentence in self._missing.items() if name != what}

    def problem(self) -> str | None:
        """A sentence about all that is missing, or None."""
        return "; ".join(self._missing.values()) or None


class StopSignal:
    """Set once, from a signal handler or a test; everything that waits looks at it."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        self._event.set()

    def is_set(self) -> bool:
        return self._event.is_set()

    def check(self) -> None:
        """Raise Stopping once the signal was given."""
        if self._event.is_set():
            raise Stopping("the service is stopping")
