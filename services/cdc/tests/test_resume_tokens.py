"""One suite over both stores, and what only the real one can lose."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from bson import Timestamp

from twin_cdc.fakes import MemoryTokenStore
from twin_cdc.lease import Lease
from twin_cdc.resume_tokens import Position, ResumeTokenLost, ResumeTokenStore, WarehouseTokenStore
from twin_cdc.state import COLLECTION
from twin_common.warehouse import Warehouse

POSITION = Position({"_data": "b"}, back_filled=True)


@pytest.fixture
async def saved(warehouse: Warehouse) -> WarehouseTokenStore:
    store = await held(warehouse)
    await store.save(POSITION)
    return store


async def held(warehouse: Warehouse) -> WarehouseTokenStore:
    """The store of a copy that holds the lease."""
    fence = await Lease(warehouse.database, "test", 60).acquire(asyncio.Event(), lambda _: None)
    assert fence is not None
    return WarehouseTokenStore(warehouse.database, fence)


class TestTokenStore:
    @pytest.fixture(params=["memory", "warehouse"])
    async def store(self, request: pytest.FixtureRequest, warehouse: Warehouse) -> ResumeTokenStore:
        return MemoryTokenStore() if request.param == "memory" else await held(warehouse)

    async def test_it_starts_empty_keeps_the_newest_and_forgets_on_demand(
        self, store: ResumeTokenStore
    ) -> None:
        assert await store.load() is None
        await store.save(Position({"_data": "a", "t": Timestamp(1, 2)}, back_filled=False))
        await store.save(POSITION)
        assert await store.load() == POSITION
        await store.clear()
        assert await store.load() is None


class TestLostPosition:
    @pytest.mark.parametrize("damage", [None, 7, "text", [], {}, b"\x00"], ids=repr)
    async def test_a_damaged_token(
        self, saved: WarehouseTokenStore, warehouse: Warehouse, damage: Any
    ) -> None:
        await warehouse.database[COLLECTION].update_one({}, {"$set": {"resume_token": damage}})
        with pytest.raises(ResumeTokenLost, match="damaged"):
            await saved.load()

    async def test_a_token_that_came_with_a_copy_of_the_rows(
        self, saved: WarehouseTokenStore, warehouse: Warehouse
    ) -> None:
        assert await saved.load() == POSITION
        rows = await warehouse.database[COLLECTION].find().to_list()
        elsewhere = warehouse.client[f"test_{uuid4().hex}"]
        await elsewhere[COLLECTION].insert_many(rows)
        with pytest.raises(ResumeTokenLost, match="another warehouse"):
            await WarehouseTokenStore(elsewhere, fence=1).load()
        await warehouse.client.drop_database(elsewhere)
