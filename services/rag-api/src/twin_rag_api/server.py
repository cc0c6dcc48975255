"""The web server, and how a copy leaves without anyone noticing: unready first, then drained, then gone."""

import signal
import threading
from collections.abc import Callable
from types import FrameType

import structlog
import uvicorn

log = structlog.get_logger(__name__)


class DrainingServer(uvicorn.Server):
    """Goes on serving for a while after the first signal, so that every proxy can look elsewhere."""

    def __init__(self, config: uvicorn.Config, drain_seconds: float, on_drain: Callable[[], None]) -> None:
        """Args: `on_drain` is called at the first signal; from then on `/readyz` says that it ends."""
        super().__init__(config)
        self._drain_seconds = drain_seconds
        self._on_drain = on_drain
        self._draining = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain; at a second signal, or where nothing is to be drained, end."""
        self._on_drain()
        if self._draining or not self._drain_seconds:
            super().handle_exit(sig, frame)
            return
        self._draining = True
        log.info("draining", seconds=self._drain_seconds, signal=signal.Signals(sig).name)
        # A connection that is kept open would lead back here: each answer ends its own.
        self.config.encoded_headers.append((b"connection", b"close"))
        timer = threading.Timer(self._drain_seconds, super().handle_exit, args=(sig, frame))
        timer.daemon = True
        timer.start()
