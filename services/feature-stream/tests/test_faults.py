"""What the flow does when events, documents or the vector store are not as they should be."""

import asyncio
import threading
from typing import Any

import httpx
import orjson
import pytest

from twin_common.dead_letter import reasons
from twin_common.documents import HeadStatus
from twin_common.events import Message
from twin_common.testing.embedding import NullEmbedder
from twin_common.topics import DOCUMENT_CHANGES, DOCUMENT_CHANGES_DEAD

PARTITIONS = DOCUMENT_CHANGES.partitions


class Intercepted:
    """A client of the vector store whose every request passes `before` first."""

    def __init__(self, client: Any, before: Any) -> None:
        self._client = client
        self._before = before

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._client, name)

        async def intercepted(*arguments: Any, **keywords: Any) -> Any:
            await self._before(name)
            return await operation(*arguments, **keywords)

        return intercepted


def letters(messages: list[Message]) -> list[Message]:
    return [message for message in messages if message.topic == DOCUMENT_CHANGES_DEAD.name]


class TestVectorStore:
    async def test_while_it_is_slow_no_more_is_read_than_a_micro_batch_of_each_partition(
        self, stream: Any
    ) -> None:
        stream.embedder = NullEmbedder()
        count = 600
        stream.publish(*(stream.upsert(stream.document(str(n), f"Text {n}.")) for n in range(count)))
        opened, reached = threading.Event(), threading.Event()

        async def wait(name: str) -> None:
            if name == "upsert":
                reached.set()
                await asyncio.to_thread(opened.wait)

        running = asyncio.create_task(
            asyncio.to_thread(stream.run, client=Intercepted(stream.client, wait), patience=300)
        )
        assert await asyncio.to_thread(reached.wait, 120)
        read = []
        for _ in range(5):
            await asyncio.sleep(0.3)
            read.append(count - stream.source.unread())
        opened.set()
        await running
        assert len(set(read)) == 1
        assert 0 < read[0] <= 2 * PARTITIONS * stream.settings.batch_documents
        assert len(await stream.heads()) == count

    async def test_while_it_is_away_the_flow_waits_and_then_goes_on(self, stream: Any) -> None:
        documents = [stream.document(str(n), f"Text {n}.") for n in range(40)]
        stream.publish(*map(stream.upsert, documents))
        requests = 0

        async def fail_often(_: str) -> None:
            nonlocal requests
            requests += 1
            if requests % 4:
                raise httpx.ConnectError("the vector store is away")

        outcomes = stream.run(client=Intercepted(stream.client, fail_often), patience=300)
        assert len(outcomes) == 40
        assert {head.status for head in (await stream.heads()).values()} == {HeadStatus.SEARCHABLE}
        assert len(await stream.points()) == 40


class TestPoison:
    async def test_one_in_a_hundred_is_set_aside_and_nothing_good_is_lost(self, stream: Any) -> None:
        stream.embedder = NullEmbedder()
        good = [stream.upsert(stream.document(str(n), f"Text {n}.")) for n in range(500)]
        mixed: list[Message] = []
        for number, message in enumerate(good):
            if number % 100 == 0:
                mixed.append(Message(message.topic, message.key, b"poison %d" % number, message.headers))
            mixed.append(message)
        stream.publish(*mixed)
        found = letters(stream.run(patience=300))
        assert sorted(letter.value or b"" for letter in found) == sorted(
            b"poison %d" % n for n in range(0, 500, 100)
        )
        assert len(await stream.heads()) == 500

    async def test_a_very_large_message_blocks_no_other(self, stream: Any) -> None:
        good = stream.upsert(stream.document("good"))
        huge = Message(good.topic, good.key, b"x" * 4_000_000, good.headers)
        stream.publish(huge, good)
        (letter,) = letters(stream.run())
        assert letter.value == huge.value
        assert len(await stream.heads()) == 1


class TestSchemas:
    def _changed(self, message: Message, change: Any, event_type: str | None = None) -> Message:
        body = orjson.loads(message.value or b"")
        change(body)
        headers = [
            (name, event_type.encode() if event_type and name == "ce_type" else value)
            for name, value in message.headers
        ]
        return Message(message.topic, message.key, orjson.dumps(body), headers)

    @pytest.mark.parametrize(
        "change",
        [
            lambda body: body.update(added_later={"a": 1}) or body["document"].update(added_later=[1]),
            lambda body: [body.pop("again"), body.pop("captured_at"), body["document"].pop("traceparent")],
        ],
        ids=["newer", "older"],
    )
    async def test_the_minor_version_before_or_after_is_understood(self, stream: Any, change: Any) -> None:
        stream.publish(self._changed(stream.upsert(stream.document("one", "Some text.")), change))
        (outcome,) = stream.outcomes(count=1)
        (head,) = (await stream.heads()).values()
        assert (outcome.outcome.value, head.text) == ("searchable", "Some text.")

    async def test_another_major_version_is_set_aside(self, stream: Any) -> None:
        message = stream.upsert(stream.document("one"))
        later = self._changed(message, lambda _: None, "twin.content.document.upserted.v2")
        stream.publish(later)
        (letter,) = letters(stream.run())
        assert reasons(letter.headers)["error_reason"] == "unsupported_schema"
        assert not await stream.heads()
