"""Trying again until a server answers."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

log = structlog.get_logger(__name__)

T = TypeVar("T")

RETRY_SECONDS = 1.0


async def until_done(
    operation: Callable[[], Awaitable[T]],
    what_for: str,
    *transient: type[Exception],
    tell: Callable[[str], None] = lambda _: None,
) -> T:
    """Repeat the operation while it raises one of the transient errors.

    Args:
        what_for: what is waited for, for the log.
        tell: told why, at each attempt in vain.
    """
    while True:
        try:
            return await operation()
        except transient as error:
            tell(f"{what_for}: {error}"[:300])
            log.warning("waiting", what_for=what_for, error=str(error)[:300])
            await asyncio.sleep(RETRY_SECONDS)
