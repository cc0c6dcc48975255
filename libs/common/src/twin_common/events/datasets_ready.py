"""A dataset to train on."""

from pydantic import Field

from twin_common.clock import utc_now
from twin_common.documents import AuthorSlug, Timestamp
from twin_common.events.event import Event
from twin_common.topics import DATASETS_READY


class DatasetReady(Event):
    """A version of an author's dataset exists; its event id is the dataset's, however often it is sent."""

    TYPE = "twin.dataset.ready.v1"
    TOPIC = DATASETS_READY

    dataset_id: str
    """The author and the beginning of `content_hash`."""
    author_id: AuthorSlug
    content_hash: str
    """sha256 over every row: equal hashes are equal datasets."""
    location: str
    """The dataset's folder in the registry, relative to it."""
    documents: int = Field(ge=0)
    train_samples: int = Field(ge=0)
    test_samples: int = Field(ge=0)
    preference_pairs: int = Field(ge=0)
    """Of training and test together; 0: there is nothing to do preference optimisation with."""
    warnings: tuple[str, ...] = ()
    """What a trainer should know, each a sentence."""
    created_at: Timestamp = Field(default_factory=utc_now)

    @property
    def key(self) -> str:
        return self.dataset_id
