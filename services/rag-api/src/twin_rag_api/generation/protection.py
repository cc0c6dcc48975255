"""An engine that is left alone while it fails, and stopped when it says nothing any more."""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from twin_rag_api.generation.circuit_breaker import CircuitBreaker, Outcome
from twin_rag_api.generation.engines import ContextWindow, Engine, EngineFailure, Piece, Task, Text
from twin_rag_api.generation.runaway import RunawayWatch

CIRCUIT_OPEN: Final = "circuit_open"
_OF_THE_SERVER = re.compile(r"connection|\w+_timeout|broken_stream|status_(?:5\d\d|429)")
"""Failures that the next question is likely to meet as well; the others are of one question."""
_SENTENCES = {
    "repetition": "the model repeated itself without end and was stopped",
    "garbage": "the model wrote what is no text and was stopped",
}


class ProtectedEngine:
    """Any engine behind a circuit breaker; each answer is read along."""

    def __init__(self, engine: Engine, breaker: CircuitBreaker) -> None:
        self._engine = engine
        self._breaker = breaker
        self.name = engine.name
        self.provider = engine.provider
        self.heeds = engine.heeds

    async def window(self) -> ContextWindow | None:
        return await self._engine.window()

    async def write(self, task: Task) -> AsyncGenerator[Piece, None]:
        admission = self._breaker.admit()
        if admission is None:
            raise EngineFailure(CIRCUIT_OPEN, "it failed several times in a row and is tried again soon")
        outcome = Outcome.WITHDRAWN
        watch = RunawayWatch()
        try:
            async with aclosing(self._engine.write(task)) as pieces:
                async for piece in pieces:
                    yield piece
                    if isinstance(piece, Text):
                        _refuse(watch.feed(piece.text))
            outcome = Outcome.SUCCEEDED
        except EngineFailure as failure:
            of_the_server = _OF_THE_SERVER.fullmatch(failure.reason)
            outcome = Outcome.FAILED if of_the_server else Outcome.SUCCEEDED
            raise
        finally:
            self._breaker.settle(admission, outcome)

    async def close(self) -> None:
        """Let go of the engine's connections."""
        await self._engine.close()


def _refuse(wrong: str | None) -> None:
    if wrong is not None:
        raise EngineFailure(wrong, _SENTENCES[wrong])
