"""What the owner thinks of an answer."""

from typing import Annotated, Self

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator

from twin_common.events import FeedbackGiven, Rating
from twin_rag_api.dependencies import Scope, ServiceResources
from twin_rag_api.generation.engine_registry import TWIN

router = APIRouter(prefix="/v1", tags=["feedback"])

Text = Annotated[str, Field(min_length=1, max_length=64_000)]


class FeedbackRequest(BaseModel):
    """A thumb, the owner's own wording, or both."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)
    completion_id: str = Field(min_length=1, max_length=200)
    """The answer's `id`."""
    model: str = Field(default=TWIN, min_length=1, max_length=200)
    prompt: Text
    """What was asked."""
    answer: Text
    """What was answered."""
    rating: Rating | None = None
    edit: Text | None = None
    """How the owner would have written it; the next dataset prefers it to the answer."""
    comment: Annotated[str, Field(max_length=4_000)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.rating is None and self.edit is None:
            raise ValueError("it says nothing: give a rating (up or down), an edit, or both")
        return self


class FeedbackAccepted(BaseModel):
    """The feedback is kept."""

    feedback_id: str


@router.post("/feedback", status_code=201)
async def give_feedback(
    scope: Scope, resources: ServiceResources, request: FeedbackRequest
) -> FeedbackAccepted:
    """Keep what the owner thinks of an answer; it becomes part of the next preference dataset."""
    event = FeedbackGiven(author_id=scope.author_id, **request.model_dump())
    await resources.feedback.give(event)
    return FeedbackAccepted(feedback_id=event.feedback_id)
