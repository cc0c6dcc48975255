"""Counts what a crawl does and writes it to the parent process, a line about once a second."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import BinaryIO

from twin_common.documents import Category
from twin_common.events import CrawlCounts, LinkError, LinkOutcome, OutcomeCounts, PlannedPage
from twin_common.warehouse import LinkState
from twin_crawler.failures import Failure
from twin_crawler.link_tally import LinkTally
from twin_crawler.run_protocol import RunProgress
from twin_crawler.source import host_of
from twin_crawler.visits import PageAddress

_MOST_ERRORS = 1000
_MOST_PLANNED = 10_000
_MOST_DOMAINS = 200
_LINE_INTERVAL_SECONDS = 1.0


class Reporter:
    """The tally of one crawl."""

    def __init__(self, output: BinaryIO, links: Iterable[str] = ()) -> None:
        self._output = output
        self._counts: Counter[str] = Counter()
        self._links = {link: LinkTally() for link in links}
        self._domains: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._categories: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._new_errors: list[LinkError] = []
        self._new_planned: list[PlannedPage] = []
        self._errors_said = 0
        self._planned = 0
        self._bytes: Callable[[], int] = lambda: 0

    def measure_bytes(self, read: Callable[[], int]) -> None:
        """Tell how to learn the number of bytes received so far."""
        self._bytes = read

    def discovered(self, address: PageAddress) -> None:
        """A source listed a page."""
        self._count(address.link, address.url, address.category, "discovered")

    def handled(self, address: PageAddress, outcome: LinkOutcome) -> None:
        """A page has its outcome."""
        self._count(address.link, address.url, address.category, outcome.value)

    def skipped(self, address: PageAddress) -> None:
        """A page is unchanged by the date of its listing."""
        self.handled(address, LinkOutcome.UNCHANGED)
        self._counts["skipped"] += 1

    def failed(self, address: PageAddress, failure: Failure) -> None:
        """Count a page's failure and name it, the first thousand of them."""
        self.handled(address, LinkOutcome.FAILED)
        self._links[address.link].failed(failure)
        self.say(failure.at(address.url))

    def not_listed(self, link: str, url: str, failure: Failure) -> None:
        """Count an address that never became a page: the link itself, or what it lists."""
        for name in ("discovered", LinkOutcome.FAILED.value):
            self._count(link, url, None, name)
        self._links[link].failed(failure)
        self.say(failure.at(url))

    def listed(self, link: str) -> None:
        """The link's source has listed all it has."""
        self._links[link].listed = True

    def paused(self, link: str, state: LinkState) -> None:
        """The link is left alone in this crawl."""
        self._links[link].pause(state)
        until = f"{state.paused_until:%Y-%m-%d %H:%M} UTC"
        self.say(LinkError(url=link, reason="paused", detail=f"left alone until {until}: {state.detail}"))

    def plan(self, address: PageAddress, known: bool) -> None:
        """A dry run would fetch this page."""
        self._planned += 1
        if self._planned <= _MOST_PLANNED:
            self._new_planned.append(PlannedPage(url=address.url, link=address.link, known=known))

    def say(self, error: LinkError) -> None:
        """Name an error that is not an address' own outcome."""
        if self._errors_said < _MOST_ERRORS:
            self._errors_said += 1
            self._new_errors.append(error)

    def link_states(self, before: dict[str, LinkState], author_id: str, now: datetime) -> list[LinkState]:
        """What is to be remembered of the links that this crawl tried."""
        return [
            tally.state_after(before.get(url) or LinkState(author_id=author_id, url=url), now)
            for url, tally in self._links.items()
            if not tally.is_paused
        ]

    def settle(self, states: Iterable[LinkState]) -> None:
        """Say of each link until when it is left alone from now on."""
        for state in states:
            self._links[state.url].paused_until = state.paused_until

    def write(self, finished: bool = False) -> None:
        """Write where the crawl stands."""
        errors, self._new_errors = tuple(self._new_errors), []
        planned, self._new_planned = tuple(self._new_planned), []
        line = RunProgress(
            counts=CrawlCounts(**self._counts, bytes_received=self._bytes()),
            new_errors=errors,
            links=tuple(tally.report(url, finished) for url, tally in self._links.items()),
            domains={domain: OutcomeCounts(**counts) for domain, counts in self._domains.items()},
            categories={category: OutcomeCounts(**counts) for category, counts in self._categories.items()},
            new_planned=planned,
            finished=finished,
        )
        self._output.write(line.model_dump_json().encode() + b"\n")
        self._output.flush()

    async def write_regularly(self) -> None:
        """Write until cancelled, but only news: silence tells the parent that the crawl hangs."""
        written = None
        while True:
            await asyncio.sleep(_LINE_INTERVAL_SECONDS)
            state = (self._counts.total(), self._planned, self._bytes())
            if state != written:
                self.write()
                written = state

    def _count(self, link: str, url: str, category: Category | None, name: str) -> None:
        self._counts[name] += 1
        self._links[link].counts[name] += 1
        domain = _domain_of(url)
        if domain in self._domains or len(self._domains) < _MOST_DOMAINS:
            self._domains[domain][name] += 1
        if category is not None:
            self._categories[category.value][name] += 1


def _domain_of(url: str) -> str:
    try:
        return host_of(url)
    except ValueError:  # a hostile link need not be an address
        return ""
