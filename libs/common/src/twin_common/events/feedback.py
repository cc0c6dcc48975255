"""What the owner thinks of an answer."""

from enum import StrEnum
from uuid import uuid4

from pydantic import Field

from twin_common.clock import utc_now
from twin_common.documents import AuthorSlug, Timestamp
from twin_common.events.event import Event
from twin_common.topics import FEEDBACK


class Rating(StrEnum):
    """A thumb."""

    UP = "up"
    DOWN = "down"


class FeedbackGiven(Event):
    """What the owner thinks of an answer, or how they would have written it."""

    TYPE = "twin.feedback.given.v1"
    TOPIC = FEEDBACK

    feedback_id: str = Field(default_factory=lambda: str(uuid4()))
    author_id: AuthorSlug
    completion_id: str
    """The answer's id, as the API gave it."""
    model: str
    """Which model wrote the answer."""
    prompt: str
    """What was asked."""
    answer: str
    """What was answered."""
    rating: Rating | None = None
    edit: str | None = None
    """The owner's own wording: against `answer` it makes a preference pair."""
    comment: str | None = None
    given_at: Timestamp = Field(default_factory=utc_now)

    @property
    def key(self) -> str:
        return self.author_id
