"""The caller's trained models: how they measured, and what is decided about them."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from twin_common.models import (
    JobProgress,
    JobState,
    LearningCurve,
    ModelRecord,
    ModelStage,
    Release,
    TrainingJob,
)
from twin_rag_api.dependencies import Scope, ServiceResources
from twin_rag_api.errors import Problem

router = APIRouter(prefix="/v1", tags=["twins"])

ModelId = Annotated[str, Path(min_length=1, max_length=100)]

# Its own styles and pictures, and nothing else: the texts in it come from models.
_REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"


class Step(BaseModel):
    """Something that was decided about a model."""

    stage: ModelStage
    at: datetime
    who: str
    why: str


class TrainedTwin(BaseModel):
    """A trained model."""

    model_config = ConfigDict(use_attribute_docstrings=True)
    id: str
    stage: ModelStage
    dataset_id: str
    base_model: str
    created_at: datetime
    figures: dict[str, float]
    """The headline numbers of its report; those of its base begin with `base_`."""
    curves: list[LearningCurve]
    """How the losses of its stages fell."""
    served_name: str | None
    """What to give as `model` for an answer by it; None while it answers nothing."""
    share: float
    """Of the questions to `twin-trained`, those that it answers."""
    history: list[Step]
    """Every step of its life, the oldest first."""
    erased_sources: list[str]
    """Documents that it was trained on and that were erased since; it should be trained anew."""

    @classmethod
    def of(cls, record: ModelRecord, release: Release) -> "TrainedTwin":
        """As the warehouse has it."""
        is_deployed = record.stage is ModelStage.DEPLOYED and record.model_id in release.models
        shares = {release.production: 1.0 - release.canary_share, release.canary: release.canary_share}
        return cls(
            id=record.model_id,
            stage=record.stage,
            dataset_id=record.dataset_id,
            base_model=record.base_model,
            created_at=record.created_at,
            figures=record.figures,
            curves=list(record.curves),
            served_name=record.model_id if is_deployed and record.served else None,
            share=shares.get(record.model_id, 0.0) if is_deployed else 0.0,
            history=[Step(**dict(step)) for step in record.history],
            erased_sources=list(record.erased_sources),
        )


class Training(BaseModel):
    """A training that has not become a model."""

    model_config = ConfigDict(use_attribute_docstrings=True)
    id: str
    """The model that it will make."""
    dataset_id: str
    base_model: str
    state: JobState
    reason: str | None
    """Why it is parked or was tried again, and what to do."""
    progress: JobProgress | None
    created_at: datetime

    @classmethod
    def of(cls, job: TrainingJob) -> "Training":
        """As the queue has it."""
        return cls(
            id=job.model_id,
            dataset_id=job.dataset_id,
            base_model=job.base_model,
            state=job.state,
            reason=job.reason,
            progress=job.progress,
            created_at=job.created_at,
        )


class TwinList(BaseModel):
    """Everything that was trained or is being trained for the caller, the newest first."""

    twins: list[TrainedTwin]
    trainings: list[Training]


class Reason(BaseModel):
    """Why; it is kept with the decision and told on the event bus."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=1, max_length=2_000)


@router.get("/twins")
async def list_twins(scope: Scope, resources: ServiceResources) -> TwinList:
    """The caller's trained models with stage, figures and name, and trainings under way."""
    records, release = await resources.twins.all(scope)
    trainings = await resources.twins.trainings(scope)
    return TwinList(
        twins=[TrainedTwin.of(record, release) for record in records],
        trainings=[Training.of(job) for job in trainings],
    )


@router.get(
    "/models/{model_id}/report",
    response_class=Response,
    responses={
        200: {
            "description": "The evaluation, as the Accept header asks: JSON, an HTML page or Markdown.",
            "content": {"application/json": {}, "text/html": {}, "text/markdown": {}},
        }
    },
)
async def get_report(
    scope: Scope,
    resources: ServiceResources,
    model_id: ModelId,
    accept: Annotated[str, Header(max_length=1_000)] = "application/json",
) -> Response:
    """How a model measured against its base, production and the author's own held-out text."""
    report = await resources.twins.report(scope, model_id)
    if "text/html" in accept:
        policy = {"Content-Security-Policy": _REPORT_POLICY}
        return Response(report.html, media_type="text/html", headers=policy)
    if "text/markdown" in accept:
        return Response(report.markdown, media_type="text/markdown")
    return Response(report.json_text, media_type="application/json")


_CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {"model": Problem, "description": "The model is in a stage that allows no such step."}
}


@router.post("/models/{model_id}/approve", responses=_CONFLICT)
async def approve(scope: Scope, resources: ServiceResources, model_id: ModelId, body: Reason) -> TrainedTwin:
    """Let a model that passed the gate answer: on trial first, where another one answers already."""
    return await _decide(scope, resources, model_id, ModelStage.APPROVED, body)


@router.post("/models/{model_id}/reject", responses=_CONFLICT)
async def reject(scope: Scope, resources: ServiceResources, model_id: ModelId, body: Reason) -> TrainedTwin:
    """Never let a model answer."""
    return await _decide(scope, resources, model_id, ModelStage.REJECTED, body)


@router.post("/models/{model_id}/rollback", responses=_CONFLICT)
async def roll_back(
    scope: Scope, resources: ServiceResources, model_id: ModelId, body: Reason
) -> TrainedTwin:
    """Take a model out of service within seconds; the one that answered before it does again."""
    return await _decide(scope, resources, model_id, ModelStage.ROLLED_BACK, body)


async def _decide(
    scope: Scope, resources: ServiceResources, model_id: str, stage: ModelStage, body: Reason
) -> TrainedTwin:
    record, release = await resources.twins.decide(scope, model_id, stage, body.reason)
    return TrainedTwin.of(record, release)
