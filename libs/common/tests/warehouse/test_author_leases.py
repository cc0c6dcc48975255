"""Who holds an author, decided by the server."""

import asyncio

from twin_common.identity import AuthorId
from twin_common.warehouse import Lease, Warehouse

_ADA = AuthorId("ada")


class TestLeases:
    async def test_of_many_at_once_one_gets_it(self, warehouse: Warehouse) -> None:
        leases = warehouse.author_leases
        won = await asyncio.gather(*(leases.take(_ADA, f"h{number}", None) for number in range(8)))
        assert won.count(True) == 1
        lease = await leases.holder(_ADA)
        assert lease is not None
        assert lease == Lease(f"h{won.index(True)}", 0)

    async def test_one_that_moved_is_not_taken_and_one_that_stands_still_is_taken_once(
        self, warehouse: Warehouse
    ) -> None:
        leases = warehouse.author_leases
        await leases.take(_ADA, "first", None)
        seen = await leases.holder(_ADA)
        assert await leases.renew(_ADA, "first")
        assert not await leases.take(_ADA, "second", seen)
        seen = await leases.holder(_ADA)
        won = await asyncio.gather(*(leases.take(_ADA, f"h{number}", seen) for number in range(4)))
        assert won.count(True) == 1
        assert not await leases.renew(_ADA, "first")

    async def test_only_the_holder_lets_go(self, warehouse: Warehouse) -> None:
        leases = warehouse.author_leases
        await leases.take(_ADA, "first", None)
        await leases.release(_ADA, "second")
        assert await leases.holder(_ADA) == Lease("first", 0)
        await leases.release(_ADA, "first")
        assert await leases.holder(_ADA) is None
