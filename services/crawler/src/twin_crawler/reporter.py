"""Counts what a crawl does and writes it to the parent process, a line about once a second."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import BinaryIO

from twin_common.events import CrawlCounts, LinkError, LinkOutcome
from twin_crawler.failures import Failure
from twin_crawler.run_protocol import RunProgress

_MOST_ERRORS = 1000
_LINE_INTERVAL_SECONDS = 1.0


class Reporter:
    """The tally of one crawl."""

    def __init__(self, output: BinaryIO) -> None:
        self._output = output
        self._counts: Counter[str] = Counter()
        self._new_errors: list[LinkError] = []
        self._errors_said = 0
        self._bytes: Callable[[], int] = lambda: 0

    def measure_bytes(self, read: Callable[[], int]) -> None:
        """Tell how to learn the number of bytes received so far."""
        self._bytes = read

    def discovered(self) -> None:
        self._counts["discovered"] += 1

    def handled(self, outcome: LinkOutcome) -> None:
        self._counts[outcome.value] += 1

    def failed(self, url: str, failure: Failure) -> None:
        """Count a failure and name it, the first thousand of them."""
        self.handled(LinkOutcome.FAILED)
        self.say(failure.at(url))

    def say(self, error: LinkError) -> None:
        """Name an error that is not an address' own outcome."""
        if self._errors_said < _MOST_ERRORS:
            self._errors_said += 1
            self._new_errors.append(error)

    def write(self, finished: bool = False) -> None:
        """Write where the crawl stands."""
        counts = CrawlCounts(**self._counts, bytes_received=self._bytes())
        errors, self._new_errors = tuple(self._new_errors), []
        line = RunProgress(counts=counts, new_errors=errors, finished=finished)
        self._output.write(line.model_dump_json().encode() + b"\n")
        self._output.flush()

    async def write_regularly(self) -> None:
        """Write until cancelled, but only news: silence tells the parent that the crawl hangs."""
        written = None
        while True:
            await asyncio.sleep(_LINE_INTERVAL_SECONDS)
            state = (self._counts.total(), self._bytes())
            if state != written:
                self.write()
                written = state
