"""What a crawl's child process is told on its standard input, and what it says on its standard output."""

from pydantic import BaseModel, ConfigDict

from twin_common.documents import AuthorSlug, Timestamp
from twin_common.events import CrawlCounts, LinkError
from twin_crawler.settings import CrawlPolicy


class RunSpec(BaseModel):
    """One line on standard input, which then stays open: its end tells the child that the service is gone."""

    model_config = ConfigDict(frozen=True)
    author_id: AuthorSlug
    links: tuple[str, ...]
    requested_at: Timestamp
    traceparent: str | None
    policy: CrawlPolicy
    credentials: dict[str, str] = {}
    """References to secrets, which the child reads from its own environment."""


class RunProgress(BaseModel):
    """One line on standard output: where the crawl stands, and the errors since the line before."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)
    counts: CrawlCounts
    new_errors: tuple[LinkError, ...] = ()
    finished: bool = False
    """True in the last line of a crawl that came to its end."""
