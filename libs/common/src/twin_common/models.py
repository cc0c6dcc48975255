"""Trained models as the platform knows them: the stages of a life, who decided, and which one answers.

Pure: every function takes a record and returns the next one. The trainer, the chat API and the command all
move models on, so what may follow what is decided here alone.
"""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from twin_common.documents import AuthorSlug, Record, Timestamp
from twin_common.errors import TwinError

RELEASED = "twin-trained"
"""The chat API's name for whichever of an author's models is released; one on trial has its share."""


class ModelStage(StrEnum):
    """Where a model stands; what follows is in `FOLLOWS`."""

    TRAINED = "trained"
    EVALUATED = "evaluated"
    """Measured, and let through by the gate: a person may approve it."""
    APPROVED = "approved"
    REJECTED = "rejected"
    """By the gate or by a person; it is never served."""
    DEPLOYED = "deployed"
    ROLLED_BACK = "rolled_back"


FOLLOWS: dict[ModelStage, frozenset[ModelStage]] = {
    ModelStage.TRAINED: frozenset({ModelStage.EVALUATED, ModelStage.REJECTED}),
    ModelStage.EVALUATED: frozenset({ModelStage.APPROVED, ModelStage.REJECTED}),
    ModelStage.APPROVED: frozenset({ModelStage.DEPLOYED, ModelStage.REJECTED, ModelStage.ROLLED_BACK}),
    # Deployed again: with a larger share of the questions.
    ModelStage.DEPLOYED: frozenset({ModelStage.DEPLOYED, ModelStage.ROLLED_BACK}),
    ModelStage.REJECTED: frozenset(),
    ModelStage.ROLLED_BACK: frozenset({ModelStage.APPROVED}),
}


class ForbiddenStage(TwinError):
    """A model cannot go from the stage it is in to the one that was asked for."""


class StageChange(Record):
    """One step of a model's life."""

    stage: ModelStage
    at: Timestamp
    who: str
    """A part of the platform, such as "gate", or a person by the id of their API key."""
    why: str


class ServingAddress(Record):
    """Where a model answers."""

    url: str
    """Base of an OpenAI-compatible API."""
    name: str
    """What that API calls it."""


class LearningPoint(Record):
    """Losses at a step; what was not taken there is None."""

    step: int
    loss: float | None = None
    held_out_loss: float | None = None


class LearningCurve(Record):
    """How one stage of a training went, in a few hundred points at most."""

    name: str
    """"sft" in nats a token, "dpo" in the loss of the preference."""
    points: tuple[LearningPoint, ...]


class ModelRecord(Record):
    """A trained model: whence it comes, how it measured, and everything that was decided about it."""

    model_id: str
    """The author and the beginning of `job_key`; also its name in the chat API once it is deployed."""
    author_id: AuthorSlug
    job_key: str
    dataset_id: str
    base_model: str
    location: str
    """Its folder in the registry, relative to it, or `repository@revision` on the Hub."""
    figures: dict[str, float] = Field(default_factory=dict)
    """The report's headline numbers."""
    curves: tuple[LearningCurve, ...] = ()
    """Of its stages, in their order."""
    history: tuple[StageChange, ...] = Field(min_length=1)
    announced: int = 0
    """How many steps of the history Kafka has confirmed."""
    served: ServingAddress | None = None
    erased_sources: tuple[str, ...] = ()
    """Documents that it was trained on and that were erased since: it should be trained anew."""

    @property
    def stage(self) -> ModelStage:
        """Where it stands."""
        return self.history[-1].stage

    @property
    def created_at(self) -> datetime:
        """When it was trained."""
        return self.history[0].at

    def moved(self, change: StageChange) -> "ModelRecord":
        """The record after a step.

        Raises:
            ForbiddenStage: the step does not follow on the present stage.
        """
        if change.stage not in FOLLOWS[self.stage]:
            allowed = ", ".join(sorted(FOLLOWS[self.stage])) or "nothing"
            raise ForbiddenStage(
                f"the model {self.model_id} is {self.stage}: it cannot be {change.stage}, "
                f"only {allowed} follows"
            )
        return self.model_copy(update={"history": (*self.history, change)})


class Release(Record):
    """Which of an author's models answers, and which one is being tried on a share of the questions."""

    author_id: AuthorSlug
    production: str | None = None
    canary: str | None = None
    canary_share: float = Field(default=0.0, ge=0, le=1)
    """Of the questions to the author's trained twin, those that the canary answers."""
    canary_since: Timestamp | None = None
    previous: tuple[str, ...] = ()
    """Models that were in production before, the newest last; the first to fall back to."""

    @property
    def models(self) -> tuple[str, ...]:
        """Those that must be loaded: production first."""
        return tuple(model for model in (self.production, self.canary) if model is not None)

    def with_canary(self, model_id: str, share: float, at: datetime) -> "Release":
        """A model is tried; one that was being tried before is not any more."""
        return self.model_copy(update={"canary": model_id, "canary_share": share, "canary_since": at})

    def promoted(self) -> "Release":
        """The canary answers everything; what answered before is kept to fall back to."""
        if self.canary is None:
            return self
        kept = tuple(model for model in self.previous if model != self.canary)
        previous = (*kept, self.production) if self.production not in (None, self.canary) else kept
        nobody = {"canary": None, "canary_share": 0.0, "canary_since": None}
        return self.model_copy(update={"production": self.canary, "previous": previous} | nobody)

    def without(self, model_id: str) -> "Release":
        """The model answers nothing any more: what was in production before it does."""
        previous = tuple(model for model in self.previous if model != model_id)
        changed: dict[str, object] = {"previous": previous}
        if self.canary == model_id:
            changed |= {"canary": None, "canary_share": 0.0, "canary_since": None}
        if self.production == model_id:
            changed |= {"production": previous[-1] if previous else None, "previous": previous[:-1]}
        return self.model_copy(update=changed)


class ModelOutcomes(Record):
    """What became of the questions that a model was given since it was deployed."""

    answers: int = 0
    failures: int = 0
    """Of the answers: the engine broke off or never began, so that quotes stood in for it."""
    thumbs_up: int = 0
    thumbs_down: int = 0


class JobState(StrEnum):
    """Where a training stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    PARKED = "parked"
    """It cannot go on by itself; `reason` says why and what to do."""


class JobProgress(Record):
    """How far a training is."""

    phase: str
    """What is being done, such as "sft" or "evaluate"."""
    step: int = 0
    steps: int = 0
    loss: float | None = None
    tokens_per_second: float | None = None
    seconds_left: float | None = None


class TrainingJob(Record):
    """A training that was asked for, by an event or by a person."""

    job_key: str
    """sha256 over dataset, base model, configuration and code: equal keys are one job."""
    author_id: AuthorSlug
    dataset_id: str
    dataset_location: str
    """The dataset's folder in the registry, relative to it."""
    base_model: str
    configuration: str
    """As the trainer reads it, in JSON."""
    grid: str = ""
    """Values to try by the name of a setting, in JSON, of which the best become the default; empty: none."""
    requested_by: str
    created_at: Timestamp
    state: JobState = JobState.WAITING
    reason: str | None = None
    attempts: int = 0
    holder: str | None = None
    """Which worker has it."""
    beat: int = 0
    """Counts up while the worker lives."""
    progress: JobProgress | None = None

    @property
    def model_id(self) -> str:
        """The model that it makes; safe as the name of a folder."""
        return f"{self.author_id}-{self.job_key[:16]}"
