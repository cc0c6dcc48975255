"""How the service bears servers that are away: back off, retry, and give up loudly in the end."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import structlog
from httpx import TransportError
from pymongo.errors import ConnectionFailure
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from twin_common.errors import ServerUnavailable
from twin_feature_stream.readiness import Readiness, StopSignal

log = structlog.get_logger(__name__)
T = TypeVar("T")

_LOG_EVERY_SECONDS = 5.0
# A key that is refused may be put right, here or there, while we wait and say so.
_MAY_PASS = frozenset((401, 403, 408, 425, 429))
_REFUSED = frozenset((400, 413, 422))


@dataclass(frozen=True)
class RetryPolicy:
    """Waits that double from the first to the longest; all lengths in seconds."""

    first: float = 0.1
    longest: float = 3.0
    give_up_after: float = 900.0


class Patience:
    """Repeats an operation while its server is away; `/readyz` says so meanwhile."""

    def __init__(self, policy: RetryPolicy, readiness: Readiness, stop: StopSignal) -> None:
        self._policy = policy
        self._readiness = readiness
        self._stop = stop

    async def wait_for(self, server: str, operation: Callable[[], Awaitable[T]]) -> T:
        """The operation's result, once its server answers.

        Args:
            server: what a person calls it, such as "the vector store".
            operation: called again after every failure that may pass; must bear repetition.

        Raises:
            ServerUnavailable: the server was away longer than the policy allows.
            Stopping: the service was told to stop.
        """
        began = time.monotonic()
        told = -_LOG_EVERY_SECONDS
        pause = self._policy.first
        while True:
            try:
                result = await operation()
            except Exception as error:
                if not is_transient(error):
                    raise
                away = time.monotonic() - began
                sentence = f"{server} does not answer: {_first_line(error)}"
                if away > self._policy.give_up_after:
                    raise ServerUnavailable(
                        f"{sentence}; gave up after {away:.0f} s: start it, then start this service again"
                    ) from error
                self._readiness.missing(server, f"waiting for {sentence}")
                if away - told >= _LOG_EVERY_SECONDS:
                    log.warning("waiting", server=server, error=_first_line(error), seconds=round(away, 1))
                    told = away
                await self._rest(pause)
                pause = min(pause * 2, self._policy.longest)
            else:
                self._readiness.found(server)
                return result

    async def _rest(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._stop.check()
            await asyncio.sleep(min(left, 0.2))


def is_transient(error: Exception) -> bool:
    """Whether the same request may succeed later."""
    if isinstance(error, UnexpectedResponse):
        status = error.status_code or 0
        return status >= 500 or status in _MAY_PASS
    if isinstance(error, ResponseHandlingException):
        return isinstance(error.source, TransportError)
    return isinstance(
        error, ConnectionFailure | ServerUnavailable | ResourceExhaustedResponse | TransportError
    )


def is_refusal(error: Exception) -> bool:
    """Whether the vector store will never take these data, whatever the state of the server."""
    if isinstance(error, UnexpectedResponse):
        return error.status_code in _REFUSED
    return isinstance(error, ValueError | TypeError)


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
