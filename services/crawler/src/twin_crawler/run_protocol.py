"""What a crawl's child process is told on its standard input, and what it says on its standard output."""

from pydantic import BaseModel, ConfigDict

from twin_common.authors import OptionValue
from twin_common.documents import AuthorSlug, Category, Timestamp
from twin_common.events import CrawlCounts, LinkError, LinkReport, OutcomeCounts, PlannedPage
from twin_crawler.settings import CrawlPolicy


class RunLink(BaseModel):
    """A link to crawl, as a stranger may have written it: the link guard judges it, in the child."""

    model_config = ConfigDict(frozen=True)
    url: str
    category: Category | None = None
    options: dict[str, OptionValue] = {}


class RunSpec(BaseModel):
    """One line on standard input, which then stays open: its end tells the child that the service is gone."""

    model_config = ConfigDict(frozen=True)
    author_id: AuthorSlug
    links: tuple[RunLink, ...]
    requested_at: Timestamp
    traceparent: str | None
    policy: CrawlPolicy
    credentials: dict[str, str] = {}
    """References to secrets, which the child reads from its own environment."""
    asked_by_name: bool = False
    """Whether the request names the links, which then pause only if their servers want that."""
    dry_run: bool = False


class RunProgress(BaseModel):
    """One line on standard output: where the crawl stands, and what is new in errors and plans."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)
    counts: CrawlCounts
    new_errors: tuple[LinkError, ...] = ()
    links: tuple[LinkReport, ...] = ()
    domains: dict[str, OutcomeCounts] = {}
    categories: dict[str, OutcomeCounts] = {}
    new_planned: tuple[PlannedPage, ...] = ()
    finished: bool = False
    """True in the last line of a crawl that came to its end."""
