"""Asks for the crawls that are due by an author's schedule; any number of copies may do so at once."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

import structlog
from aiokafka.errors import KafkaError
from pymongo.errors import ConnectionFailure

from twin_common.authors import Author
from twin_common.clock import Clock, utc_now
from twin_common.errors import ServerUnavailable
from twin_common.events import CrawlRequested
from twin_common.identity import AuthorId
from twin_common.schedules import parse_schedule
from twin_common.warehouse import ScheduleState, Warehouse

log = structlog.get_logger(__name__)

Request = Callable[[CrawlRequested], Awaitable[None]]
"""Sends a request to `crawl.requests.v1` and returns once Kafka has it."""

_LOOK_SECONDS = 5.0


@dataclass(frozen=True)
class Step:
    """What is to be done about an author's schedule now."""

    request: CrawlRequested | None
    state: ScheduleState | None
    """What is to be remembered; None where nothing changes."""


def next_step(author_id: AuthorId, schedule: str, before: ScheduleState | None, now: datetime) -> Step:
    """Decide whether a crawl is due. However many moments were missed, one crawl makes up for them.

    The run's id follows from the author and the moment, so that a moment that two copies of the service see,
    or one copy twice, is still one run.
    """
    moments = parse_schedule(schedule)
    if before is None or before.schedule != schedule:
        first = ScheduleState(author_id=author_id, schedule=schedule, next_at=moments.first(now))
        return Step(None, first)
    if before.next_at > now:
        return Step(None, None)
    run_id = str(uuid5(NAMESPACE_URL, f"{author_id}|{before.next_at.isoformat()}"))
    request = CrawlRequested(run_id=run_id, author_id=author_id, requested_at=now)
    after = {"next_at": moments.after(now), "last_run_id": run_id}
    return Step(request, before.model_copy(update=after))


class Scheduler:
    """Looks at every author's schedule again and again; what it remembers is in the warehouse."""

    def __init__(self, warehouse: Warehouse, request: Request, clock: Clock = utc_now) -> None:
        self._warehouse = warehouse
        self._request = request
        self._clock = clock

    async def run(self) -> None:
        """Ask for what is due until cancelled; while a server is away nothing is due."""
        while True:
            try:
                await self.ask_for_due()
            except (ConnectionFailure, KafkaError, ServerUnavailable) as error:
                log.warning("scheduled crawls wait for a server", error=str(error)[:300])
            await asyncio.sleep(_LOOK_SECONDS)

    async def ask_for_due(self) -> None:
        """Look once. A request is sent before it is noted: a crash in between sends the same run again."""
        states = await self._warehouse.crawls.schedules()
        for author in await self._warehouse.authors.all():
            before = states.get(author.author_id)
            if author.schedule is not None and author.links:
                await self._follow(author, author.schedule, before)
            elif before is not None:
                await self._warehouse.crawls.forget_schedule(author.author_id)

    async def _follow(self, author: Author, schedule: str, before: ScheduleState | None) -> None:
        step = next_step(author.author_id, schedule, before, self._clock())
        if step.request is not None:
            await self._request(step.request)
            log.info("a scheduled crawl is due", author_id=author.author_id, run_id=step.request.run_id)
        if step.state is not None:
            await self._warehouse.crawls.advance_schedule(before, step.state)
