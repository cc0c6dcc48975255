"""How often a key may ask: a bucket of requests that fills at a constant rate."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from twin_common.errors import TwinError

_MOST_KEYS = 10_000


@dataclass(frozen=True)
class Quota:
    """So many requests in any minute, however they are spread over it."""

    requests_per_minute: int


class QuotaExceeded(TwinError):
    """The key has asked too often; `retry_after` says in how many seconds it may again."""

    def __init__(self, quota: Quota, retry_after: int) -> None:
        super().__init__(
            f"this key may ask {quota.requests_per_minute:,} times a minute; again in {retry_after} s"
        )
        self.retry_after = retry_after


class RateLimit:
    """The buckets of all keys; each process has its own, so a quota holds per replica."""

    def __init__(self, quota: Quota, now: Callable[[], float] = time.monotonic) -> None:
        self._quota = quota
        self._now = now
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """Key id → requests left, and when that was counted; the least recently used first."""

    def take(self, key_id: str) -> None:
        """Count one request of a key.

        Raises:
            QuotaExceeded: its bucket is empty; the request is not counted.
        """
        now = self._now()
        most = float(self._quota.requests_per_minute)
        left, counted_at = self._buckets.get(key_id, (most, now))
        left = min(most, left + (now - counted_at) * most / 60)
        if left < 1:
            raise QuotaExceeded(self._quota, ceil((1 - left) * 60 / most))
        self._buckets[key_id] = (left - 1, now)
        self._buckets.move_to_end(key_id)
        if len(self._buckets) > _MOST_KEYS:
            self._buckets.popitem(last=False)
