"""Two processes that want one author: one after the other, whatever happens to the first."""

import asyncio

import pytest

from twin_common.identity import AuthorId
from twin_common.warehouse import Warehouse
from twin_crawler.author_turns import AuthorTurns

_ADA, _BO = AuthorId("ada"), AuthorId("bo")


class TestAuthorTurns:
    async def test_one_at_a_time_and_authors_side_by_side(self, warehouse: Warehouse) -> None:
        running: list[AuthorId] = []
        together: set[tuple[AuthorId, ...]] = set()
        both = asyncio.Barrier(2)

        async def work(author: AuthorId) -> None:
            running.append(author)
            assert running.count(author) == 1
            await both.wait()  # never over, unless another author's work begins meanwhile
            together.add(tuple(sorted(running)))
            await both.wait()
            running.remove(author)

        copies = [AuthorTurns(warehouse.author_leases) for _ in range(2)]
        wanted = [(copy, author) for copy in copies for author in (_ADA, _BO)]
        async with asyncio.timeout(120):
            await asyncio.gather(*(copy.work(author, lambda a=author: work(a)) for copy, author in wanted))  # type: ignore[misc]
        assert (_ADA, _BO) in together
        assert await warehouse.author_leases.holder(_ADA) is None

    async def test_a_dead_holders_author_is_taken_over(self, warehouse: Warehouse) -> None:
        await warehouse.author_leases.take(_ADA, "dead", None)
        done = asyncio.Event()

        async def work() -> None:
            done.set()

        async with asyncio.timeout(120):
            await AuthorTurns(warehouse.author_leases, dead_after_seconds=1).work(_ADA, work)
        assert done.is_set()

    async def test_who_only_seemed_dead_is_cut_off_and_begins_again_in_its_turn(
        self, warehouse: Warehouse
    ) -> None:
        begun, finished = 0, 0

        async def work() -> None:
            nonlocal begun, finished
            begun += 1
            await asyncio.sleep(600 if begun == 1 else 0)
            finished += 1

        working = asyncio.create_task(AuthorTurns(warehouse.author_leases, 1).work(_ADA, work))
        async with asyncio.timeout(120):
            while not begun:
                await asyncio.sleep(0.05)
            while not await warehouse.author_leases.take(
                _ADA, "thief", await warehouse.author_leases.holder(_ADA)
            ):
                await asyncio.sleep(0)
            await working
        assert (begun, finished) == (2, 1)

    async def test_an_error_of_the_work_is_told_and_frees_the_author(self, warehouse: Warehouse) -> None:
        async def work() -> None:
            raise RuntimeError("broken")

        with pytest.raises(RuntimeError, match="broken"):
            await AuthorTurns(warehouse.author_leases).work(_ADA, work)
        assert await warehouse.author_leases.holder(_ADA) is None
