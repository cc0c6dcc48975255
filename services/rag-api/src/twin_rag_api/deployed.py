"""Trained models that answer: what the warehouse says is deployed, as engines under their names."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import structlog
from pymongo.errors import PyMongoError

from twin_common.identity import AuthorId
from twin_common.models import RELEASED, ModelRecord, ModelStage, Release, ServingAddress
from twin_common.warehouse import ModelRecords
from twin_rag_api.generation.engine_registry import EngineRegistry, ServedModel
from twin_rag_api.generation.engines import ContextWindow, Engine, EngineFailure, Piece, Task

log = structlog.get_logger(__name__)

# How soon a roll-back is felt; no question waits for the warehouse.
_FOLLOW_SECONDS = 1.0

Connect = Callable[[ServingAddress], Engine]


class DeployedModels:
    """Every author's released models as engines."""

    def __init__(self, models: ModelRecords, engines: EngineRegistry, connect: Connect) -> None:
        self._models = models
        self._engines = engines
        self._connect = connect
        self._connected: dict[ServingAddress, Engine] = {}
        self._shared: dict[tuple[str, str, float], Engine] = {}

    async def follow(self) -> None:
        """Serve what is deployed, until cancelled."""
        while True:
            try:
                await self.look()
            except PyMongoError as error:  # what answered before goes on
                log.warning("the warehouse does not say which models answer", error=str(error)[:300])
            await asyncio.sleep(_FOLLOW_SECONDS)

    async def look(self) -> None:
        """Serve what is deployed now."""
        served: list[ServedModel] = []
        for release, records in await self._models.released():
            engines = {
                record.model_id: engine for record in records if (engine := self._engine(record)) is not None
            }
            served += [ServedModel(name, engine, release.author_id) for name, engine in engines.items()]
            if released := self._released(release, engines):
                served.append(ServedModel(RELEASED, released, release.author_id))
        self._engines.replace(served)

    def _engine(self, record: ModelRecord) -> Engine | None:
        if record.served is None or record.stage is not ModelStage.DEPLOYED:
            return None
        if record.served not in self._connected:
            engine = self._connect(record.served)
            counted = CountedEngine(engine, self._models, record.model_id, record.author_id)
            self._connected[record.served] = counted
        return self._connected[record.served]

    def _released(self, release: Release, engines: dict[str, Engine]) -> Engine | None:
        production = engines.get(release.production or "")
        canary = engines.get(release.canary or "")
        if production is None or canary is None or not release.canary_share:
            return production
        shares = (production.name, canary.name, release.canary_share)
        if shares not in self._shared:
            self._shared[shares] = SharedEngine(production, canary, release.canary_share)
        return self._shared[shares]


class CountedEngine:
    """An engine whose answers and failures are counted, so that a model that fails is taken back."""

    def __init__(self, engine: Engine, models: ModelRecords, model_id: str, author_id: AuthorId) -> None:
        self._engine = engine
        self._models = models
        self._author_id = author_id
        self.name = model_id
        self.provider = engine.provider
        self.heeds = engine.heeds

    async def window(self) -> ContextWindow | None:
        """The engine's own. Raises: as the engine."""
        return await self._engine.window()

    async def close(self) -> None:
        """Let go of the engine's connections."""
        await self._engine.close()

    async def write(self, task: Task) -> AsyncGenerator[Piece, None]:
        """The engine's own pieces. Raises: as the engine."""
        try:
            async with aclosing(self._engine.write(task)) as pieces:
                async for piece in pieces:
                    yield piece
        except EngineFailure:
            await self._tell(failed=True)
            raise
        await self._tell(failed=False)

    async def _tell(self, *, failed: bool) -> None:
        try:
            await self._models.count_answer(self.name, self._author_id, failed=failed)
        except PyMongoError as error:  # an answer is worth more than its count
            log.warning("an answer was not counted", model=self.name, error=str(error)[:300])


class SharedEngine:
    """Two engines under one name: each question is drawn."""

    def __init__(
        self,
        most: Engine,
        on_trial: Engine,
        share: float,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Args: `share` of the questions goes to the engine on trial; `chance` draws from 0 to 1."""
        self._most, self._on_trial, self._share, self._chance = most, on_trial, share, chance
        self.name = RELEASED
        self.provider = most.provider
        self.heeds = most.heeds & on_trial.heeds

    async def window(self) -> ContextWindow | None:
        """The narrower of the two: a question is drawn only when it is written. Raises: as the engines."""
        windows = [await self._most.window(), await self._on_trial.window()]
        known = [window for window in windows if window is not None]
        return min(known, key=lambda window: window.input_tokens, default=None)

    async def close(self) -> None:
        """Nothing of its own: both engines are served under their own names as well."""

    def write(self, task: Task) -> AsyncGenerator[Piece, None]:
        """The drawn engine's answer. Raises: as that engine."""
        engine = self._on_trial if self._chance() < self._share else self._most
        return engine.write(task)
