"""The change stream as batches: what it tells, and when it says that it cannot."""

import asyncio
from typing import Any

import pytest

from services.cdc.tests.conftest import DraftMaker, fill_log
from twin_cdc.change_feed import ChangeFeed
from twin_cdc.mapping import Change, ResumeToken, Upsert
from twin_cdc.resume_tokens import ResumeTokenLost
from twin_common.documents import Category
from twin_common.warehouse import Warehouse

MEGABYTE = 1_000_000


async def read(feed: ChangeFeed, token: ResumeToken, count: int, pause: float = 0.0) -> list[Change]:
    """The next changes behind a token; `pause` is what a publisher takes for a batch."""
    stop, changes = asyncio.Event(), list[Change]()
    async with asyncio.timeout(120):
        async for batch in feed.batches(token, stop):
            changes += batch.changes
            await asyncio.sleep(pause)
            if len(changes) >= count:
                stop.set()
    return changes


class TestBatches:
    async def test_they_fill_under_load(self, warehouse: Warehouse, draft: DraftMaker) -> None:
        feed = ChangeFeed(warehouse.database, 100)
        position = await feed.note_position()
        await warehouse.documents.put_many([draft(number) for number in range(1000)])
        stop, sizes = asyncio.Event(), list[int]()
        async for batch in feed.batches(position, stop):
            await asyncio.sleep(0.01)
            sizes.append(len(batch.changes))
            if sum(sizes) >= 1000:
                stop.set()
        assert sum(sizes) == 1000
        assert len(sizes) <= 30

    async def test_a_reader_that_is_slow_gets_everything_from_a_stream_opened_anew(
        self, warehouse: Warehouse, draft: DraftMaker
    ) -> None:
        feed = ChangeFeed(warehouse.database, 5, left_alone_seconds=0.01)
        position = await feed.note_position()
        outcomes = await warehouse.documents.put_many([draft(number) for number in range(60)])
        changes = await read(feed, position, 60, pause=0.05)
        assert [change.document_id for change in changes] == [outcome.document_id for outcome in outcomes]


class TestLargeEvents:
    async def test_an_event_over_16_megabytes_is_told_and_so_is_what_follows(
        self, warehouse: Warehouse, draft: DraftMaker
    ) -> None:
        collection = warehouse.database["articles"]
        outcome = await warehouse.documents.put(draft(1))
        feed = ChangeFeed(warehouse.database, 10)
        position = await feed.note_position()
        for letter in "ab":  # the event holds the document and, once more, what was updated
            text = {"$set": {"text": letter * 12 * MEGABYTE}}
            await collection.update_one({"_id": outcome.document_id}, text)
        after = await warehouse.documents.put(draft(2))
        changes = await read(feed, position, 3)
        assert [change.document_id for change in changes] == [outcome.document_id] * 2 + [after.document_id]
        assert isinstance(changes[1], Upsert)
        assert len(changes[1].row["text"]) == 12 * MEGABYTE


class TestLostToken:
    @pytest.mark.parametrize(
        "token",
        [{"_data": data} for data in ("not a token", "82", "00" * 40, "", 7, None)] + [{"other": "field"}],
        ids=str,
    )
    async def test_what_is_no_token(self, warehouse: Warehouse, token: dict[str, Any]) -> None:
        feed = ChangeFeed(warehouse.database, 10)
        with pytest.raises(ResumeTokenLost):
            await read(feed, token, 1)

    async def test_a_token_that_fell_off_the_log(
        self, short_log_warehouse: Warehouse, draft: DraftMaker
    ) -> None:
        feed = ChangeFeed(short_log_warehouse.database, 10)
        token = await feed.note_position()
        await short_log_warehouse.documents.put(draft(1))
        await fill_log(short_log_warehouse)
        with pytest.raises(ResumeTokenLost):
            await read(feed, token, 1)

    async def test_a_cursor_that_the_end_of_the_log_overtook_while_publishing_was_held_up(
        self, short_log_warehouse: Warehouse, draft: DraftMaker
    ) -> None:
        feed = ChangeFeed(short_log_warehouse.database, 5, left_alone_seconds=0.05)
        token = await feed.note_position()
        await short_log_warehouse.documents.put_many([draft(number) for number in range(40)])
        with pytest.raises(ResumeTokenLost):
            async with asyncio.timeout(120):
                async for batch in feed.batches(token, asyncio.Event()):
                    if batch.changes:
                        await asyncio.sleep(0.2)
                        await fill_log(short_log_warehouse)

    @pytest.mark.parametrize("ending", ["drop", "rename", "drop the database"])
    async def test_the_end_of_a_collection_tells_of_no_document(
        self, warehouse: Warehouse, draft: DraftMaker, ending: str
    ) -> None:
        await warehouse.documents.put(draft(1, category=Category.POST))
        feed = ChangeFeed(warehouse.database, 10)
        token = await feed.note_position()
        posts = warehouse.database["posts"]
        if ending == "drop":
            await posts.drop()
        elif ending == "rename":
            await posts.rename("posts_of_yesterday")
        else:
            await warehouse.client.drop_database(warehouse.database.name)
        with pytest.raises(ResumeTokenLost, match=r"drop|rename|invalidate"):
            await read(feed, token, 1)
