"""Moves approved models on: loads, tries, promotes and takes them back, and tells the world of every step."""

import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from twin_common.clock import Clock, utc_now
from twin_common.errors import TwinError
from twin_common.events import ModelChanged, Rating
from twin_common.identity import AuthorId
from twin_common.models import RELEASED, ModelOutcomes, ModelRecord, ModelStage, Release, ServingAddress
from twin_common.warehouse import FeedbackRecords, ModelRecords
from twin_trainer import metrics
from twin_trainer.registry import ModelRegistry
from twin_trainer.release import Decision, Move, ReleasePolicy, decide_release

log = structlog.get_logger(__name__)

WHO = "release"
_WINDOW_SECONDS = 600.0


class ServingSide(Protocol):
    """A server that is told which models to load."""

    async def load(self, model_id: str, location: str) -> ServingAddress:
        """Load a model, or find it loaded.

        Raises:
            ServerUnavailable: the server does not answer.
        """

    async def unload(self, model_id: str) -> None:
        """Let go of a model, if it is loaded. Raises: as `load`."""


@dataclass
class Releases:
    """One look after another at every model that is approved or deployed."""

    models: ModelRecords
    feedback: FeedbackRecords
    registry: ModelRegistry
    policy: ReleasePolicy
    publish: Callable[[ModelChanged], Awaitable[None]]
    """Returns once Kafka has confirmed the event."""
    serving: ServingSide | None = None
    """None: who serves models follows the warehouse and says where they answer."""
    clock: Clock = utc_now
    _baselines: dict[str, tuple[float, ModelOutcomes]] = field(default_factory=dict)

    async def look(self) -> None:
        """Make every move that is due, then announce what is not announced yet."""
        for record in await self.models.in_stage(ModelStage.APPROVED, ModelStage.DEPLOYED):
            try:
                await self._look_at(record)
            except TwinError as error:  # one model's trouble is not another's
                log.warning("a model could not be moved on", model=record.model_id, error=str(error)[:300])
        await self.announce()

    async def announce(self) -> None:
        """Publish the steps that Kafka has not confirmed; a crash in between repeats some under equal ids."""
        for record in await self.models.unannounced():
            for event in ModelChanged.steps(record):
                await self.publish(event)
                await self.models.set_announced(record.model_id, event.sequence + 1)

    async def _look_at(self, record: ModelRecord) -> None:
        release = await self.models.release(record.author_id)
        if self.serving is not None:
            await self._serve(self.serving, record, release)
        outcomes = self._lately(record.model_id, await self._outcomes(record, release))
        decision = decide_release(record, release, outcomes, self.policy, self.clock())
        if decision is not None:
            log.info("a model moves on", model=record.model_id, move=decision.move, why=decision.why)
            await self._make(decision, record)
            metrics.RELEASE_MOVES.labels(decision.move).inc()

    async def _serve(self, serving: ServingSide, record: ModelRecord, release: Release) -> None:
        is_wanted = record.model_id in (*release.models, *release.previous[-1:])
        if is_wanted and record.served is None:
            await self.models.set_served(
                record.model_id, await serving.load(record.model_id, record.location)
            )
        elif not is_wanted and record.served is not None:
            await serving.unload(record.model_id)
            await self.models.set_served(record.model_id, None)

    async def _make(self, decision: Decision, record: ModelRecord) -> None:
        author_id, model_id = record.author_id, record.model_id
        share, now = self.policy.canary_share, self.clock()
        match decision.move:
            case Move.LOAD:
                # Without a share: it is to be loaded, and answers nobody before it is.
                await self.models.change_release(
                    author_id, lambda release: release.with_canary(model_id, 0.0, now)
                )
            case Move.TRY:
                await self.models.change_release(
                    author_id, lambda release: release.with_canary(model_id, share, now)
                )
                await self.models.move(model_id, ModelStage.DEPLOYED, WHO, decision.why)
            case Move.PROMOTE:
                await self.models.change_release(author_id, lambda release: release.promoted())
                self.registry.promote(author_id, record.location)
                await self.models.move(model_id, ModelStage.DEPLOYED, WHO, f"promoted: {decision.why}")
            case Move.ROLL_BACK:
                await self.models.roll_back(model_id, WHO, decision.why, author_id)
                await self._point_registry(author_id)

    async def _point_registry(self, author_id: AuthorId) -> None:
        """The registry's production is what answers now; a person may have rolled back elsewhere."""
        production = (await self.models.release(author_id)).production
        location = (await self.models.get(production)).location if production else None
        self.registry.promote(author_id, location)

    async def _outcomes(self, record: ModelRecord, release: Release) -> ModelOutcomes:
        """Answers as the API counts them, and what the owner said of them."""
        counted = await self.models.outcomes(record.model_id)
        names = {record.model_id, *([RELEASED] if record.model_id == release.production else [])}
        ratings = Counter(
            given.rating
            for given in await self.feedback.all(record.author_id)
            if given.model in names and given.given_at >= record.history[-1].at
        )
        thumbs = {"thumbs_up": ratings[Rating.UP], "thumbs_down": ratings[Rating.DOWN]}
        return counted.model_copy(update=thumbs)

    def _lately(self, model_id: str, total: ModelOutcomes) -> ModelOutcomes:
        """What happened since the window began: an old success shall not hide a new failure."""
        began, baseline = self._baselines.setdefault(model_id, (time.monotonic(), ModelOutcomes()))
        recent = ModelOutcomes(
            answers=total.answers - baseline.answers,
            failures=total.failures - baseline.failures,
            thumbs_up=total.thumbs_up,
            thumbs_down=total.thumbs_down,
        )
        if time.monotonic() - began > _WINDOW_SECONDS:
            self._baselines[model_id] = (time.monotonic(), total)
        return recent
