"""What a crawl says of itself: what became of every address, of every link, and of the whole."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from twin_common.clock import utc_now
from twin_common.documents import AuthorSlug, Timestamp
from twin_common.events.event import Event
from twin_common.topics import CRAWL_RUNS


class LinkOutcome(StrEnum):
    """What became of one address of a crawl."""

    INSERTED = "inserted"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    GONE_ONCE = "gone_once"
    DELETED = "deleted"
    FAILED = "failed"


class LinkError(BaseModel):
    """Why one address gave no document; `reason` is a word for counting, `detail` a sentence."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)
    url: str
    reason: str
    detail: str


class OutcomeCounts(BaseModel):
    """How many addresses had which outcome so far."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)
    discovered: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    gone_once: int = 0
    deleted: int = 0
    failed: int = 0

    @property
    def handled(self) -> int:
        """Addresses that have an outcome."""
        return self.inserted + self.updated + self.unchanged + self.gone_once + self.deleted + self.failed


class CrawlCounts(OutcomeCounts):
    """How many addresses of a whole crawl had which outcome so far, and what that cost."""

    skipped: int = 0
    """Of the unchanged: not even asked for, because the date in their feed or sitemap says enough."""
    bytes_received: int = 0


class LinkStatus(StrEnum):
    """Where a registered link stands in a crawl."""

    CRAWLING = "crawling"
    DONE = "done"
    FAILED = "failed"
    PAUSED = "paused"


class LinkReport(BaseModel):
    """What a crawl made of one registered link."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)
    url: str
    status: LinkStatus
    counts: OutcomeCounts = OutcomeCounts()
    reason: str | None = None
    """A word, for a link that failed or is paused."""
    detail: str | None = None
    """The same as a sentence."""
    paused_until: Timestamp | None = None
    """Before this time the link is left alone."""


class PlannedPage(BaseModel):
    """A page that a crawl would fetch."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)
    url: str
    link: str
    known: bool
    """Whether an earlier crawl stored it."""


class RunStatus(StrEnum):
    """Where a crawl stands."""

    STARTED = "started"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"


class CrawlReported(Event):
    """A crawl started, moved on or ended; the newest report of a run holds all the earlier ones said."""

    TYPE = "twin.crawl.reported.v1"
    TOPIC = CRAWL_RUNS

    run_id: str
    author_id: AuthorSlug
    status: RunStatus
    counts: CrawlCounts = CrawlCounts()
    errors: tuple[LinkError, ...] = ()
    """At most the first 1,000; `counts.failed` has the true number."""
    links: tuple[LinkReport, ...] = ()
    """The registered links of the run, in order."""
    domains: dict[str, OutcomeCounts] = Field(default_factory=dict)
    """Counts by host, of the first 200 hosts."""
    categories: dict[str, OutcomeCounts] = Field(default_factory=dict)
    """Counts by category of document."""
    planned: tuple[PlannedPage, ...] = ()
    """Of a dry run: what would be fetched, at most the first 10,000."""
    started_at: Timestamp
    reported_at: Timestamp = Field(default_factory=utc_now)

    @property
    def key(self) -> str:
        return self.author_id
