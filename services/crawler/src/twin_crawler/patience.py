"""Tries again what may succeed later, waits when a server asks for it, and leaves a failing host alone."""

import asyncio
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response

from twin_common.clock import utc_now
from twin_crawler.download_failures import Refused, failure_of
from twin_crawler.failures import TRANSIENT_STATUSES, Failure, failure_of_status
from twin_crawler.retry_after import seconds_to_wait

_LONGEST_PAUSE_SECONDS = 24 * 3600.0


@dataclass(frozen=True)
class RetryPolicy:
    """How a crawl bears with servers."""

    retries: int
    first_pause_seconds: float = 1.0
    """Before the first retry of a request; it doubles with each further one, and a random half is added."""
    longest_wait_seconds: float = 60.0
    """A server that asks for more than this is left alone for the rest of the crawl."""
    waiting_budget_seconds: float = 300.0
    """Of all that a host asks for in one crawl."""
    failures_in_a_row: int = 20
    """After so many requests without an answer a host is left alone for the rest of the crawl."""


class Patience:
    """A Scrapy downloader middleware in the place of `RetryMiddleware`, which knows no pauses."""

    def __init__(self, crawler: Crawler, policy: RetryPolicy) -> None:
        self._crawler = crawler
        self._policy = policy
        self._closed: dict[str, Failure] = {}
        self._free_at: defaultdict[str, float] = defaultdict(float)
        self._waited: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        settings = crawler.settings
        pause = settings.getfloat("RETRY_FIRST_PAUSE")
        return cls(crawler, RetryPolicy(settings.getint("RETRY_TIMES"), first_pause_seconds=pause))

    async def process_request(self, request: Request) -> None:
        """Hold a request back until its host may be asked."""
        host = self._host(request)
        while (wait := max(self._free_at[host], request.meta.get("not_before", 0.0)) - monotonic()) > 0:
            self._refuse_closed(host)
            await asyncio.sleep(wait)
        self._refuse_closed(host)

    async def process_response(self, request: Request, response: Response) -> Request | Response:
        """Let an answer through, or try again after a while."""
        host = self._host(request)
        if response.status not in TRANSIENT_STATUSES:
            self._failures[host] = 0
            return response
        asked = _asked_wait(response)
        failure = failure_of_status(response.status)
        if asked is not None:
            self._wait(host, asked)
        if again := self._again(request, asked):
            return again
        self._count_failure(host, failure)
        if asked is not None:
            raise Refused(replace(failure, retry_at=_moment_in(asked)))
        return response

    async def process_exception(self, request: Request, exception: Exception) -> Request | None:
        """Try again after a while what the network broke."""
        failure = failure_of(exception)
        if isinstance(exception, Refused) or not failure.is_transient:
            return None
        if again := self._again(request, None):
            return again
        self._count_failure(self._host(request), failure)
        return None

    def _wait(self, host: str, seconds: float) -> None:
        """Keep the host free for so long, or close it when that is more than a crawl can wait."""
        self._waited[host] += int(seconds)
        policy = self._policy
        if seconds > policy.longest_wait_seconds or self._waited[host] > policy.waiting_budget_seconds:
            until = _moment_in(seconds)
            detail = f"{host} asks to be left alone until {until:%Y-%m-%d %H:%M:%S} UTC"
            self._closed[host] = Failure("paused_by_server", detail, retry_at=until)
            self._refuse_closed(host)
        self._free_at[host] = max(self._free_at[host], monotonic() + seconds)

    def _count_failure(self, host: str, failure: Failure) -> None:
        self._failures[host] += 1
        if self._failures[host] >= self._policy.failures_in_a_row:
            detail = f"{self._failures[host]} requests in a row failed at {host}: {failure.detail}"
            self._closed[host] = Failure("host_failing", detail)

    def _again(self, request: Request, asked: float | None) -> Request | None:
        tries = request.meta.get("retry_times", 0)
        if tries >= self._policy.retries:
            return None
        pause = self._policy.first_pause_seconds * 2**tries * (1 + random.random() / 2)  # noqa: S311 -- spreads load
        again: Request = request.replace(dont_filter=True)
        again.meta["retry_times"] = tries + 1
        again.meta["not_before"] = monotonic() + (pause if asked is None else asked)
        return again

    def _refuse_closed(self, host: str) -> None:
        if failure := self._closed.get(host):
            raise Refused(failure)

    def _host(self, request: Request) -> str:
        return self._crawler.engine.downloader.get_slot_key(request)


def _asked_wait(response: Response) -> float | None:
    headers = {name: response.headers.get(name) for name in ("Retry-After", "Date")}
    texts = {name: value.decode("latin-1") if value else None for name, value in headers.items()}
    seconds = seconds_to_wait(texts["Retry-After"], texts["Date"], utc_now())
    return None if seconds is None else min(seconds, _LONGEST_PAUSE_SECONDS)


def _moment_in(seconds: float) -> datetime:
    return utc_now() + timedelta(seconds=seconds)
