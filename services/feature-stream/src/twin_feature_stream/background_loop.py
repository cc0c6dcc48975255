"""One asyncio loop in a thread of its own: Bytewax's operators are synchronous, the clients are not."""

import asyncio
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, Self, TypeVar

from twin_feature_stream.readiness import Stopping, StopSignal

T = TypeVar("T")

_GRACE_SECONDS = 3.0


class BackgroundLoop:
    """Runs coroutines for other threads; every client is made and closed on this loop."""

    def __init__(self, stop: StopSignal) -> None:
        self._stop = stop
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="clients", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        async def cancel_rest() -> None:
            rest = asyncio.all_tasks() - {asyncio.current_task()}
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(cancel_rest(), self._loop).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> "Future[T]":
        """Start it, and do not wait."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Its result; see `result`."""
        return self.result(self.submit(coroutine))

    def result(self, future: "Future[T]") -> T:
        """Wait for what was submitted.

        Raises:
            Stopping: it was still under way some seconds after the service was told to stop.
        """
        asked: float | None = None
        while True:
            try:
                return future.result(timeout=0.25)
            except TimeoutError:
                if future.done():
                    return future.result()
                if not self._stop.is_set():
                    continue
                asked = asked or time.monotonic()
                if time.monotonic() - asked > _GRACE_SECONDS:
                    future.cancel()
                    raise Stopping("a request was still under way") from None
