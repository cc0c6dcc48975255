"""The life of a trained model."""

from pydantic import Field

from twin_common.clock import utc_now
from twin_common.documents import AuthorSlug, Timestamp
from twin_common.events.event import Event
from twin_common.models import ModelRecord, ModelStage
from twin_common.topics import MODELS_LIFECYCLE


class ModelChanged(Event):
    """A trained model took a step of its life; its event id is `MODEL/SEQUENCE`, however often it is sent."""

    TYPE = "twin.model.changed.v1"
    TOPIC = MODELS_LIFECYCLE

    model_id: str
    author_id: AuthorSlug
    sequence: int = Field(ge=0)
    """Which step it is: 0 is the first."""
    stage: ModelStage
    who: str
    """A part of the platform, or a person by the id of their API key."""
    why: str
    dataset_id: str
    base_model: str
    location: str
    """Where the model is in the registry."""
    figures: dict[str, float] = Field(default_factory=dict)
    """The report's headline numbers, as far as they were known."""
    changed_at: Timestamp = Field(default_factory=utc_now)

    @property
    def key(self) -> str:
        return self.model_id

    @property
    def event_id(self) -> str:
        """The same for every sending of this step."""
        return f"{self.model_id}/{self.sequence}"

    @classmethod
    def steps(cls, record: ModelRecord) -> tuple["ModelChanged", ...]:
        """The steps of a model that Kafka has not confirmed yet, in order."""
        return tuple(
            cls(
                model_id=record.model_id,
                author_id=record.author_id,
                sequence=sequence,
                stage=step.stage,
                who=step.who,
                why=step.why,
                dataset_id=record.dataset_id,
                base_model=record.base_model,
                location=record.location,
                figures=record.figures,
                changed_at=step.at,
            )
            for sequence, step in enumerate(record.history)
            if sequence >= record.announced
        )
