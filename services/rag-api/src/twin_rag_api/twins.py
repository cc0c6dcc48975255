"""What is decided about the author's trained models; every decision is announced, here or by the trainer."""

import structlog

from twin_common.errors import ServerUnavailable
from twin_common.events import ModelChanged
from twin_common.models import JobState, ModelRecord, ModelStage, Release, TrainingJob
from twin_common.warehouse import ModelReport, Warehouse
from twin_rag_api.auth import AuthorScope
from twin_rag_api.publishing import EventPublisher

log = structlog.get_logger(__name__)


class Twins:
    """The caller's models, by way of the warehouse."""

    def __init__(self, warehouse: Warehouse, publisher: EventPublisher) -> None:
        self._models = warehouse.models
        self._jobs = warehouse.training_jobs
        self._publisher = publisher

    async def all(self, scope: AuthorScope) -> tuple[list[ModelRecord], Release]:
        """The caller's models, the newest first, and which of them answers."""
        return await self._models.all(scope.author_id), await self._models.release(scope.author_id)

    async def trainings(self, scope: AuthorScope) -> list[TrainingJob]:
        """The caller's trainings that have not become a model, the newest first."""
        return [job for job in await self._jobs.all(scope.author_id) if job.state is not JobState.DONE]

    async def report(self, scope: AuthorScope, model_id: str) -> ModelReport:
        """A model's evaluation. Raises: UnknownModel."""
        return await self._models.report(model_id, scope.author_id)

    async def decide(
        self, scope: AuthorScope, model_id: str, stage: ModelStage, reason: str
    ) -> tuple[ModelRecord, Release]:
        """Approve, reject or roll back, in the name of the key.

        Raises:
            UnknownModel: the caller has no such model.
            ForbiddenStage: the model is in a stage that allows no such step.
        """
        who = f"key {scope.key_id}"
        if stage is ModelStage.ROLLED_BACK:
            record = await self._models.roll_back(model_id, who, reason, scope.author_id)
        else:
            record = await self._models.move(model_id, stage, who, reason, scope.author_id)
        await self._announce(record)
        return record, await self._models.release(scope.author_id)

    async def _announce(self, record: ModelRecord) -> None:
        try:
            for event in ModelChanged.steps(record):
                await self._publisher.publish(event, event.event_id)
                await self._models.set_announced(record.model_id, event.sequence + 1)
        except ServerUnavailable as error:  # the decision stands; the trainer announces it later
            log.warning("a decision is not announced yet", model=record.model_id, error=str(error)[:300])
