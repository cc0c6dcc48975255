"""The relay against a real change stream, with a publisher that can be slow or fail."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from bson import Timestamp

from twin_cdc.change_feed import ChangeFeed, ResumeTokenLost
from twin_cdc.fakes import MemoryPublisher, MemoryTokenStore
from twin_cdc.relay import Relay, RelayPolicy
from twin_cdc.resume_tokens import Position, WarehouseTokenStore
from twin_common.documents import Category, DocumentDraft
from twin_common.events import Message
from twin_common.identity import AuthorId, parse_author_id
from twin_common.warehouse import Warehouse

ADA: AuthorId = parse_author_id("ada")


def draft(number: int, text: str = "first") -> DocumentDraft:
    return DocumentDraft.at(
        ADA, f"https://ada.example/{number}", category=Category.ARTICLE, title=f"T{number}", text=text
    )


def keys(messages: list[Message]) -> list[str]:
    return [message.key.decode() for message in messages]


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def relaying(
    warehouse: Warehouse,
    publisher: MemoryPublisher,
    tokens: MemoryTokenStore | WarehouseTokenStore,
    batch_size: int = 50,
) -> AsyncIterator[asyncio.Task[None]]:
    stop = asyncio.Event()
    relay = Relay(
        ChangeFeed(warehouse.database, batch_size),
        publisher,
        tokens,
        RelayPolicy(100_000, batches_in_flight=2),
    )
    streaming = asyncio.Event()
    task = asyncio.create_task(relay.run(stop, streaming.set))
    waiting = asyncio.create_task(streaming.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    try:
        yield task
        stop.set()
        await asyncio.wait({task}, timeout=20)
        assert task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class TestBackFill:
    async def test_the_first_start_publishes_what_exists_and_then_what_happens(
        self, warehouse: Warehouse
    ) -> None:
        before = await warehouse.documents.put_many([draft(number) for number in range(120)])
        publisher = MemoryPublisher()
        async with relaying(warehouse, publisher, MemoryTokenStore()):
            after = await warehouse.documents.put(draft(500))
            await until(lambda: after.document_id in keys(publisher.confirmed))
        assert set(keys(publisher.confirmed)) == {outcome.document_id for outcome in before} | {
            after.document_id
        }

    async def test_writes_during_the_copy_are_not_lost(self, warehouse: Warehouse) -> None:
        await warehouse.documents.put_many([draft(number) for number in range(300)])
        publisher, tokens = MemoryPublisher(), MemoryTokenStore()
        publisher.may_confirm.clear()
        stop = asyncio.Event()
        relay = Relay(
            ChangeFeed(warehouse.database, 50), publisher, tokens, RelayPolicy(100_000, batches_in_flight=2)
        )
        task = asyncio.create_task(relay.run(stop, lambda: None))
        await until(lambda: bool(publisher.sent))
        edited = await warehouse.documents.put_many([draft(number, "edited") for number in range(300)])
        publisher.may_confirm.set()
        wanted = {f"{outcome.document_id}:2" for outcome in edited}
        await until(lambda: wanted <= {dict(m.headers)["ce_id"].decode() for m in publisher.confirmed})
        stop.set()
        await task

    async def test_a_broken_copy_begins_again_from_the_same_position(self, warehouse: Warehouse) -> None:
        await warehouse.documents.put_many([draft(number) for number in range(100)])
        publisher, tokens = MemoryPublisher(), MemoryTokenStore()
        publisher.failure = ConnectionError("Kafka is away")
        relay = Relay(ChangeFeed(warehouse.database, 50), publisher, tokens, RelayPolicy(100_000, 2))
        with pytest.raises(ConnectionError):
            await relay.run(asyncio.Event(), lambda: None)
        noted = await tokens.load()
        assert noted is not None
        assert not noted.back_filled
        publisher.failure = None
        async with relaying(warehouse, publisher, tokens):
            await until(lambda: len(set(keys(publisher.confirmed))) == 100)


class TestStream:
    async def test_inserts_edits_and_deletions_arrive_in_order(self, warehouse: Warehouse) -> None:
        publisher = MemoryPublisher()
        async with relaying(warehouse, publisher, MemoryTokenStore()):
            outcome = await warehouse.documents.put(draft(1))
            await warehouse.documents.put(draft(1, "second"))
            await warehouse.documents.delete(outcome.document_id, Category.ARTICLE)
            await warehouse.documents.put(draft(1, "third"))
            await until(lambda: len(publisher.confirmed) >= 5)
        types = [dict(m.headers).get("ce_type", b"tombstone").decode() for m in publisher.confirmed]
        short = [name.removeprefix("twin.content.document.").removesuffix(".v1") for name in types]
        assert short == ["upserted", "upserted", "deleted", "tombstone", "upserted"]
        assert dict(publisher.confirmed[-1].headers)["ce_id"].endswith(b":3")

    async def test_no_token_is_saved_before_kafka_confirmed(self, warehouse: Warehouse) -> None:
        publisher, tokens = MemoryPublisher(), MemoryTokenStore()
        async with relaying(warehouse, publisher, tokens):
            await asyncio.sleep(0.2)
            publisher.may_confirm.clear()
            before = await tokens.load()
            await warehouse.documents.put_many([draft(number) for number in range(10)])
            await until(lambda: len(publisher.sent) >= 10)
            await asyncio.sleep(0.2)
            assert await tokens.load() == before
            publisher.may_confirm.set()
            await until(lambda: len(publisher.confirmed) >= 10)
        assert await tokens.load() != before

    async def test_what_was_not_confirmed_is_sent_again_after_a_failure(self, warehouse: Warehouse) -> None:
        publisher, tokens = MemoryPublisher(), MemoryTokenStore()
        async with relaying(warehouse, publisher, tokens) as task:
            publisher.failure = ConnectionError("Kafka is away")
            outcomes = await warehouse.documents.put_many([draft(number) for number in range(200)])
            await until(task.done)
        assert isinstance(task.exception(), ConnectionError)
        publisher.failure = None
        async with relaying(warehouse, publisher, tokens):
            await until(lambda: len(set(keys(publisher.confirmed))) == len(outcomes))

    async def test_an_unchanged_write_emits_nothing(self, warehouse: Warehouse) -> None:
        publisher = MemoryPublisher()
        async with relaying(warehouse, publisher, MemoryTokenStore()):
            await warehouse.documents.put(draft(1))
            await warehouse.documents.put(draft(1))
            await warehouse.documents.put(draft(2))
            await until(lambda: len(publisher.confirmed) >= 2)
        assert len(publisher.confirmed) == 2

    async def test_batches_fill_under_load(self, warehouse: Warehouse) -> None:
        feed = ChangeFeed(warehouse.database, 100)
        position = await feed.note_position()
        await warehouse.documents.put_many([draft(number) for number in range(1000)])
        stop, sizes = asyncio.Event(), []
        async for batch in feed.batches(position, stop):
            await asyncio.sleep(0.01)  # what a publisher takes
            sizes.append(len(batch.changes))
            if sum(sizes) >= 1000:
                stop.set()
        assert sum(sizes) == 1000
        assert len(sizes) <= 30


class TestLostToken:
    async def test_a_token_the_server_does_not_know_leads_to_a_new_back_fill(
        self, warehouse: Warehouse
    ) -> None:
        await warehouse.documents.put_many([draft(number) for number in range(20)])
        tokens = MemoryTokenStore()
        await tokens.save(Position({"_data": "not a token"}, back_filled=True))
        publisher = MemoryPublisher()
        async with relaying(warehouse, publisher, tokens):
            await until(lambda: len(set(keys(publisher.confirmed))) == 20)
        position = await tokens.load()
        assert position is not None
        assert position.back_filled

    @pytest.mark.parametrize("data", ["not a token", "82", "00" * 40, ""])
    async def test_the_feed_says_that_it_is_lost(self, warehouse: Warehouse, data: str) -> None:
        feed = ChangeFeed(warehouse.database, 10)
        with pytest.raises(ResumeTokenLost):
            async for _ in feed.batches({"_data": data}, asyncio.Event()):
                pass


class TestTokenStore:
    @pytest.fixture(params=["memory", "warehouse"])
    def store(
        self, request: pytest.FixtureRequest, warehouse: Warehouse
    ) -> MemoryTokenStore | WarehouseTokenStore:
        return MemoryTokenStore() if request.param == "memory" else WarehouseTokenStore(warehouse.database)

    async def test_it_starts_empty_keeps_the_newest_and_forgets_on_demand(
        self, store: MemoryTokenStore | WarehouseTokenStore
    ) -> None:
        assert await store.load() is None
        await store.save(Position({"_data": "a", "t": Timestamp(1, 2)}, back_filled=False))
        await store.save(Position({"_data": "b"}, back_filled=True))
        assert await store.load() == Position({"_data": "b"}, back_filled=True)
        await store.clear()
        assert await store.load() is None
