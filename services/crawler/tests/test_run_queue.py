"""Whose turn it is."""

import asyncio

import pytest

from twin_crawler.run_queue import RunQueue


class TestRunQueue:
    async def test_one_run_of_an_author_at_a_time_in_order_and_authors_side_by_side(self) -> None:
        queue = RunQueue(concurrent_runs=2, max_waiting=10)
        running: set[str] = set()
        order: list[tuple[str, int]] = []
        together: list[set[str]] = []

        async def run(author: str, number: int) -> None:
            assert author not in running
            running.add(author)
            order.append((author, number))
            await asyncio.sleep(0.01)
            together.append(set(running))
            running.discard(author)

        for number in range(3):
            for author in ("ada", "bo", "cy"):
                await queue.put(author, lambda author=author, number=number: run(author, number))  # type: ignore[misc]
        while len(together) < 9:
            await asyncio.sleep(0.01)
        for author in ("ada", "bo", "cy"):
            assert [number for name, number in order if name == author] == [0, 1, 2]
        assert max(map(len, together)) == 2

    async def test_it_takes_no_more_than_may_wait(self) -> None:
        queue = RunQueue(concurrent_runs=1, max_waiting=2)
        release = asyncio.Event()
        for author in ("ada", "bo"):
            await queue.put(author, lambda: _wait(release))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(queue.put("cy", lambda: _wait(release)), 0.05)
        release.set()
        await asyncio.wait_for(queue.put("cy", lambda: _wait(release)), 1)

    async def test_an_unforeseen_error_is_told_and_stop_ends_the_rest(self) -> None:
        queue = RunQueue(concurrent_runs=2, max_waiting=10)
        started = asyncio.Event()

        async def forever() -> None:
            started.set()
            await asyncio.sleep(60)

        async def break_down() -> None:
            raise RuntimeError("broken")

        await queue.put("ada", forever)
        await queue.put("bo", break_down)
        await started.wait()
        with pytest.raises(RuntimeError, match="broken"):
            await asyncio.wait_for(queue.failed, 1)
        await asyncio.wait_for(queue.stop(), 1)


async def _wait(event: asyncio.Event) -> None:
    await event.wait()
