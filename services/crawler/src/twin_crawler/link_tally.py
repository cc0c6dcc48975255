"""What one crawl has seen of one registered link."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from twin_common.events import LinkReport, LinkStatus, OutcomeCounts
from twin_common.warehouse import LinkState
from twin_crawler.failures import Failure
from twin_crawler.link_pauses import after_crawl


@dataclass
class LinkTally:
    """Counts and failures of a link; it failed when nothing but failures came of it."""

    counts: Counter[str] = field(default_factory=Counter)
    listed: bool = False
    is_paused: bool = False
    paused_until: datetime | None = None
    _failure: Failure | None = None
    _wish: Failure | None = None

    def failed(self, failure: Failure) -> None:
        """The link itself or one of its pages failed; a failure that will not pass weighs more."""
        if self._failure is None or self._failure.is_transient:
            self._failure = failure
        if failure.retry_at is not None:
            self._wish = failure

    def pause(self, state: LinkState) -> None:
        """It is left alone in this crawl."""
        self.is_paused, self.paused_until = True, state.paused_until
        self._failure = Failure(state.reason or "paused", state.detail or "")

    def state_after(self, before: LinkState, now: datetime) -> LinkState:
        """What is remembered of it for the next crawl."""
        return after_crawl(before, self._wish or (self._failure if self._has_nothing else None), now)

    def report(self, url: str, finished: bool) -> LinkReport:
        """How it stands, for people."""
        failed = self._has_nothing and self._failure is not None
        said = self._failure if failed or self.is_paused else self._wish
        return LinkReport(
            url=url,
            status=self._status(finished, failed),
            counts=OutcomeCounts(**self.counts),
            reason=said.reason if said else None,
            detail=said.detail[:300] if said else None,
            paused_until=self.paused_until,
        )

    @property
    def _has_nothing(self) -> bool:
        return self.counts["failed"] == self.counts["discovered"]

    def _status(self, finished: bool, failed: bool) -> LinkStatus:
        handled = sum(count for name, count in self.counts.items() if name != "discovered")
        if self.is_paused:
            return LinkStatus.PAUSED
        if not finished and not (self.listed and handled == self.counts["discovered"]):
            return LinkStatus.CRAWLING
        return LinkStatus.FAILED if failed else LinkStatus.DONE
