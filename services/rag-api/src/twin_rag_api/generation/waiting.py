"""Waiting for a language model, each phase for as long as it may take."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from dataclasses import dataclass
from typing import TypeVar

from twin_rag_api.generation.engines import EngineFailure, Finish, Piece, Text

_Value = TypeVar("_Value")
_NO_WORD = ("stop", "length")


@dataclass(frozen=True)
class PhaseTimeouts:
    """In seconds."""

    connect: float
    first_token: float
    """Until its first word."""
    next_token: float
    """Between two words."""


async def within(seconds: float, reason: str, work: Awaitable[_Value]) -> _Value:
    """The work's result.

    Raises:
        EngineFailure: it took longer.
    """
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError as error:
        raise EngineFailure(reason, f"nothing came for {seconds:g} s") from error


async def in_time(groups: AsyncIterator[list[Piece]], timeouts: PhaseTimeouts) -> AsyncGenerator[Piece, None]:
    """The pieces of a stream, of which each message gives some; why it ended comes last.

    Raises:
        EngineFailure: it paused too long, wrote nothing, or ended without saying why.
    """
    wrote = False
    finish: Finish | None = None
    while True:
        if wrote:
            limit, reason = timeouts.next_token, "next_token_timeout"
        else:
            limit, reason = timeouts.first_token, "first_token_timeout"
        pieces = await within(limit, reason, anext(groups, None))
        if pieces is None:
            break
        for piece in pieces:
            if isinstance(piece, Finish):
                finish = piece
                continue
            wrote = wrote or isinstance(piece, Text)
            yield piece
    if finish is None:
        raise EngineFailure("broken_stream", "the stream ended before the answer did")
    if not wrote and finish.reason in _NO_WORD:
        raise EngineFailure("empty", "the model wrote nothing")
    yield finish
