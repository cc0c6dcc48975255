"""The relay against a real change stream, with a publisher that can be slow or fail."""

import asyncio

import pytest
from prometheus_client import REGISTRY

from services.cdc.tests.conftest import (
    SHORT_LOG_ENTRIES,
    DraftMaker,
    RelayMaker,
    Until,
    fill_log,
    make_relay,
)
from twin_cdc.fakes import MemoryPublisher, MemoryTokenStore, ModelReader
from twin_cdc.resume_tokens import Position
from twin_common.documents import Category
from twin_common.events import Message
from twin_common.warehouse import Warehouse


def keys(messages: list[Message]) -> list[str]:
    return [message.key.decode() for message in messages]


def types(messages: list[Message]) -> list[str]:
    names = [dict(m.headers).get("ce_type", b"tombstone").decode() for m in messages]
    return [name.removeprefix("twin.content.document.").removesuffix(".v1") for name in names]


def figure(name: str) -> float:
    value = REGISTRY.get_sample_value(name)
    assert value is not None
    return value


class TestBackFill:
    async def test_the_first_start_publishes_what_exists_and_then_what_happens(
        self, warehouse: Warehouse, relaying: RelayMaker, draft: DraftMaker, until: Until
    ) -> None:
        before = await warehouse.documents.put_many([draft(number) for number in range(120)])
        publisher = MemoryPublisher()
        async with relaying(publisher, MemoryTokenStore()):
            after = await warehouse.documents.put(draft(500))
            await until(lambda: after.document_id in keys(publisher.confirmed))
        assert set(keys(publisher.confirmed)) == {outcome.document_id for outcome in [*before, after]}
        assert figure("twin_cdc_back_fill_published_documents") == 120
        assert figure("twin_cdc_back_fill_expected_documents") == 120

    async def test_writes_during_the_copy_are_not_lost(
        self, warehouse: Warehouse, draft: DraftMaker, until: Until
    ) -> None:
        await warehouse.documents.put_many([draft(number) for number in range(300)])
        publisher, stop = MemoryPublisher(), asyncio.Event()
        publisher.may_confirm.clear()
        relay = await make_relay(warehouse, publisher, MemoryTokenStore())
        task = asyncio.create_task(relay.run(stop, lambda: None))
        await until(lambda: bool(publisher.sent))
        edited = await warehouse.documents.put_many([draft(number, "edited") for number in range(300)])
        publisher.may_confirm.set()
        wanted = {f"{outcome.document_id}:2" for outcome in edited}
        await until(lambda: wanted <= {dict(m.headers)["ce_id"].decode() for m in publisher.confirmed})
        stop.set()
        await task

    async def test_a_broken_copy_begins_again_from_the_same_position(
        self, warehouse: Warehouse, relaying: RelayMaker, draft: DraftMaker, until: Until
    ) -> None:
        await warehouse.documents.put_many([draft(number) for number in range(100)])
        publisher, tokens = MemoryPublisher(), MemoryTokenStore()
        publisher.failure = ConnectionError("Kafka is away")
        relay = await make_relay(warehouse, publisher, tokens)
        with pytest.raises(ConnectionError):
            await relay.run(asyncio.Event(), lambda: None)
        noted = await tokens.load()
        assert noted is not None
        assert not noted.back_filled
        publisher.failure = None
        async with relaying(publisher, tokens):
            await until(lambda: len(set(keys(publisher.confirmed))) == 100)

    async def test_a_stop_does_not_wait_for_the_end_of_the_copy_and_the_next_start_makes_it_whole(
        self, warehouse: Warehouse, relaying: RelayMaker, draft: DraftMaker, until: Until
    ) -> None:
        await warehouse.documents.put_many([draft(number) for number in range(200)])
        publisher, tokens, stop = MemoryPublisher(), MemoryTokenStore(), asyncio.Event()
        publisher.may_confirm.clear()
        relay = await make_relay(warehouse, publisher, tokens)
        task = asyncio.create_task(relay.run(stop, lambda: None))
        await until(lambda: bool(publisher.sent))
        stop.set()
        publisher.may_confirm.set()
        await asyncio.wait_for(task, 120)
        assert 0 < len(publisher.confirmed) < 200
        async with relaying(publisher, tokens):
            await until(lambda: len(set(keys(publisher.confirmed))) == 200)


class TestStream:
    async def test_inserts_edits_and_deletions_arrive_in_order(
        self, warehouse: Warehouse, relaying: RelayMaker, draft: DraftMaker, until: Until
    ) -> None:
        publisher = MemoryPublisher()
        async with relaying(publisher, MemoryTokenStore()):
            outcome = await warehouse.documents.put(draft(1))
            await warehouse.documents.put(draft(1, "second"))
            await warehouse.documents.delete(outcome.document_id, Category.ARTICLE)
            await warehouse.documents.put(draft(1, "third"))
            await until(lambda: len(publisher.confirmed) >= 5)
        assert types(publisher.confirmed) == ["upserted", "upserted", "deleted", "tombstone", "upserted"]
        assert dict(publisher.confirmed[-1].headers)["ce_id"].endswith(b":3")

    async def test_no_token_is_saved_before_kafka_confirmed(
        self, warehouse: Warehouse, draft: DraftMaker, until: Until
    ) -> None:
        publisher, tokens, stop = MemoryPublisher(), MemoryTokenStore(), asyncio.Event()
        streaming = asyncio.Event()
        relay = await make_relay(warehouse, publisher, tokens, quiet_save_seconds=3600)
        task = asyncio.create_task(relay.run(stop, streaming.set))
        await streaming.wait()
        publisher.may_confirm.clear()
        before = await tokens.load()
        await warehouse.documents.put_many([draft(number) for number in range(10)])
        await until(lambda: bool(publisher.sent))
        await asyncio.sleep(0.2)
        assert await tokens.load() == before
        assert figure("twin_cdc_behind_seconds") > 0.1
        publisher.may_confirm.set()
        await until(lambda: len(publisher.confirmed) >= 10)
        stop.set()
        await task
        assert await tokens.load() != before
        assert figure("twin_cdc_pending_events") == figure("twin_cdc_behind_seconds") == 0

    async def test_what_was_not_confirmed_is_sent_again_after_a_failure(
        self, warehouse: Warehouse, relaying: RelayMaker, draft: DraftMaker, until: Until
    ) -> None:
        publisher, tokens = MemoryPublisher(), MemoryTokenStore()
        async with relaying(publisher, tokens) as task:
            publisher.failure = ConnectionError("Kafka is away")
            outcomes = await warehouse.documents.put_many([draft(number) for number in range(200)])
            await until(task.done)
        assert isinstance(task.exception(), ConnectionError)
        publisher.failure = None
        async with relaying(publisher, tokens):
            await until(lambda: len(set(keys(publisher.confirmed))) == len(outcomes))

    async def test_an_unchanged_write_emits_nothing(
        self, warehouse: Warehouse, relaying: RelayMaker, draft: DraftMaker, until: Until
    ) -> None:
        publisher = MemoryPublisher()
        async with relaying(publisher, MemoryTokenStore()):
            await warehouse.documents.put(draft(1))
            await warehouse.documents.put(draft(1))
            await warehouse.documents.put(draft(2))
            await until(lambda: len(publisher.confirmed) >= 2)
        assert len(publisher.confirmed) == 2


class TestQuietStream:
    async def test_its_token_stays_on_a_log_that_turns_over_many_times(
        self, short_log_warehouse: Warehouse, draft: DraftMaker, until: Until
    ) -> None:
        warehouse, publisher, tokens = short_log_warehouse, MemoryPublisher(), MemoryTokenStore()
        lost = figure("twin_cdc_resume_token_lost_total")
        for turn in range(3):
            streaming = asyncio.Event()
            relay = await make_relay(warehouse, publisher, tokens)
            task = asyncio.create_task(relay.run(asyncio.Event(), streaming.set))
            await streaming.wait()
            for _ in range(4 * SHORT_LOG_ENTRIES // 50):  # what happens in hours, and nothing of it is ours
                before = await tokens.load()
                await warehouse.database["other"].insert_many([{} for _ in range(50)])
                async with asyncio.timeout(120):
                    while await tokens.load() == before:
                        await asyncio.sleep(0.01)
            # As kill -9 does: nothing is saved on the way out. What is written meanwhile waits in the log.
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await warehouse.documents.put(draft(turn))
        stop = asyncio.Event()
        relay = await make_relay(warehouse, publisher, tokens)
        task = asyncio.create_task(relay.run(stop, lambda: None))
        await until(lambda: len(publisher.confirmed) >= 3)
        stop.set()
        await task
        assert figure("twin_cdc_resume_token_lost_total") == lost

    async def test_saving_its_token_does_not_cause_the_next_save(self, warehouse: Warehouse) -> None:
        """A save is a write to the watched database, so it moves the token that is then to be saved."""

        class CountingStore(MemoryTokenStore):
            saves = 0

            async def save(self, position: Position) -> None:
                self.saves += 1
                await warehouse.database["cdc_state"].insert_one({})
                await super().save(position)

        tokens, stop = CountingStore(), asyncio.Event()
        relay = await make_relay(warehouse, MemoryPublisher(), tokens, quiet_save_seconds=3600)
        streaming = asyncio.Event()
        task = asyncio.create_task(relay.run(stop, streaming.set))
        await streaming.wait()
        saves = tokens.saves
        for _ in range(5):
            await warehouse.database["other"].insert_one({})
            await asyncio.sleep(0.3)
        assert tokens.saves == saves
        before = await tokens.load()
        stop.set()
        await task
        assert tokens.saves == saves + 1  # the last one, on the way out
        assert await tokens.load() != before


class TestLostToken:
    async def test_everything_is_published_anew_and_what_was_deleted_meanwhile_as_well(
        self, short_log_warehouse: Warehouse, draft: DraftMaker, until: Until
    ) -> None:
        warehouse, publisher, tokens = short_log_warehouse, MemoryPublisher(), MemoryTokenStore()
        outcomes = await warehouse.documents.put_many([draft(number) for number in range(20)])
        reader, lost = ModelReader(), figure("twin_cdc_resume_token_lost_total")

        async def relay_until_equal() -> None:
            stop = asyncio.Event()
            task = asyncio.create_task(
                (await make_relay(warehouse, publisher, tokens)).run(stop, lambda: None)
            )
            async with asyncio.timeout(120):
                while True:
                    for message in publisher.confirmed:
                        reader.read(message)
                    publisher.confirmed.clear()
                    if not await reader.differences(warehouse):
                        break
                    await asyncio.sleep(0.05)
            stop.set()
            await task

        await relay_until_equal()
        for outcome in outcomes[:5]:
            await warehouse.documents.delete(outcome.document_id, Category.ARTICLE)
        await warehouse.documents.put_many([draft(number, "edited") for number in range(4, 10)])
        await fill_log(warehouse)
        assert await reader.differences(warehouse)
        await relay_until_equal()
        assert figure("twin_cdc_resume_token_lost_total") == lost + 1
        position = await tokens.load()
        assert position is not None
        assert position.back_filled

    async def test_a_token_the_server_does_not_know(
        self, warehouse: Warehouse, relaying: RelayMaker, draft: DraftMaker, until: Until
    ) -> None:
        await warehouse.documents.put_many([draft(number) for number in range(20)])
        publisher, tokens = MemoryPublisher(), MemoryTokenStore()
        await tokens.save(Position({"_data": "not a token"}, back_filled=True))
        async with relaying(publisher, tokens):
            await until(lambda: len(set(keys(publisher.confirmed))) == 20)

    async def test_a_dropped_collection(
        self, warehouse: Warehouse, relaying: RelayMaker, draft: DraftMaker, until: Until
    ) -> None:
        publisher, tokens = MemoryPublisher(), MemoryTokenStore()
        lost = figure("twin_cdc_resume_token_lost_total")
        async with relaying(publisher, tokens):
            await warehouse.database["posts"].drop()
            await until(lambda: figure("twin_cdc_resume_token_lost_total") > lost)
            outcome = await warehouse.documents.put(draft(1))
            await until(lambda: outcome.document_id in keys(publisher.confirmed))
