"""Scheduled crawls: due once, however many copies look and however long nobody looked."""

import asyncio
from datetime import UTC, datetime, timedelta

from twin_common.authors import Author
from twin_common.events import CrawlRequested
from twin_common.identity import AuthorId
from twin_common.warehouse import ScheduleState, Warehouse
from twin_crawler.schedule import Scheduler, next_step

_ADA = AuthorId("ada")
_NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def due(at: datetime, schedule: str = "6h") -> ScheduleState:
    return ScheduleState(author_id=_ADA, schedule=schedule, next_at=at)


def later(seconds: int) -> datetime:
    return _NOW + timedelta(seconds=seconds)


ADA = Author(author_id=_ADA, name="Ada", links=("https://a.example/",), schedule="6h")


class TestNextStep:
    def test_a_new_schedule_and_a_changed_one_begin_anew(self) -> None:
        for before in (None, due(_NOW - timedelta(days=1), "12h")):
            step = next_step(_ADA, "0 6 * * *", before, _NOW)
            assert step.request is None
            assert step.state == due(datetime(2026, 5, 2, 6, tzinfo=UTC), "0 6 * * *")

    def test_nothing_before_its_time(self) -> None:
        step = next_step(_ADA, "6h", due(_NOW + timedelta(seconds=1)), _NOW)
        assert (step.request, step.state) == (None, None)

    def test_many_missed_moments_are_one_crawl(self) -> None:
        step = next_step(_ADA, "6h", due(_NOW - timedelta(days=30)), _NOW)
        assert step.request is not None
        assert step.state is not None
        assert step.state.next_at == _NOW + timedelta(hours=6)

    def test_one_moment_is_one_run_and_another_moment_another(self) -> None:
        runs = {
            step.request.run_id
            for at, now in ((0, 0), (0, 5), (1, 5))
            if (
                step := next_step(
                    _ADA, "6h", due(_NOW + timedelta(seconds=at)), _NOW + timedelta(seconds=now)
                )
            ).request
        }
        assert len(runs) == 2


class TestScheduler:
    async def test_copies_side_by_side_and_restarts_ask_for_one_run_a_moment(
        self, warehouse: Warehouse
    ) -> None:
        await warehouse.authors.put(
            Author(author_id=_ADA, name="Ada", links=("https://a.example/",), schedule="6h")
        )
        await warehouse.authors.put(Author(author_id="bo", name="Bo", links=("https://b.example/",)))
        now, asked = _NOW, list[CrawlRequested]()

        async def request(event: CrawlRequested) -> None:
            asked.append(event)

        def copy() -> Scheduler:
            return Scheduler(warehouse, request, clock=lambda: now)

        for hours in range(0, 20, 1):
            now = _NOW + timedelta(hours=hours)
            await asyncio.gather(*(copy().ask_for_due() for _ in range(3)))
            await copy().ask_for_due()  # after a restart
        assert {event.author_id for event in asked} == {_ADA}
        assert len({event.run_id for event in asked}) == 4, "at 0, 6, 12 and 18 hours"
        state = await warehouse.crawls.schedule(_ADA)
        assert state is not None
        assert state.next_at == _NOW + timedelta(hours=24)

    async def test_a_crash_between_asking_and_noting_asks_for_the_same_run(
        self, warehouse: Warehouse
    ) -> None:
        await warehouse.authors.put(
            Author(author_id=_ADA, name="Ada", links=("https://a.example/",), schedule="6h")
        )
        await warehouse.crawls.advance_schedule(None, due(_NOW - timedelta(hours=1)))
        asked: list[str] = []

        async def crash(event: CrawlRequested) -> None:
            asked.append(event.run_id)
            if len(asked) == 1:
                raise SystemExit

        scheduler = Scheduler(warehouse, crash, clock=lambda: _NOW)
        try:
            await scheduler.ask_for_due()
        except SystemExit:
            await scheduler.ask_for_due()
        assert len(asked) == 2
        assert len(set(asked)) == 1

    async def test_an_author_without_schedule_is_forgotten(self, warehouse: Warehouse) -> None:
        await warehouse.crawls.advance_schedule(None, due(_NOW))
        await warehouse.authors.put(Author(author_id=_ADA, name="Ada", links=("https://a.example/",)))

        async def request(event: CrawlRequested) -> None:
            raise AssertionError(event)

        await Scheduler(warehouse, request, clock=lambda: _NOW).ask_for_due()
        assert await warehouse.crawls.schedules() == {}
