"""The command to crawl."""

from uuid import uuid4

from pydantic import Field

from twin_common.clock import utc_now
from twin_common.documents import AuthorSlug, Timestamp
from twin_common.events.event import Event
from twin_common.topics import CRAWL_REQUESTS


class CrawlRequested(Event):
    """Command: crawl these links of an author; without links, all that the author has registered."""

    TYPE = "twin.crawl.requested.v1"
    TOPIC = CRAWL_REQUESTS

    run_id: str = Field(default_factory=lambda: str(uuid4()))
    author_id: AuthorSlug
    links: tuple[str, ...] = ()
    dry_run: bool = False
    """Only list what would be fetched."""
    requested_at: Timestamp = Field(default_factory=utc_now)

    @property
    def key(self) -> str:
        return self.author_id
