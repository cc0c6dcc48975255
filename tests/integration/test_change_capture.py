"""Faults between warehouse and topic, many times each, and then a reader of the topic has what is stored."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.integration.apache_kafka import JARS, ApacheKafka
from tests.integration.change_capture import ChangeCapture
from tests.integration.history import History
from twin_common.documents import Category, DocumentDraft
from twin_common.identity import parse_author_id

_FAULTS = int(os.environ.get("TWIN_TEST_KILLS", "2"))
_WRITES_A_FAULT = 500
_ADA = parse_author_id("ada")
_STEPPED_DOWN = 189
"""PrimarySteppedDown."""

pytestmark = pytest.mark.integration

Fault = Callable[[ChangeCapture], Awaitable[None]]


@pytest.fixture
async def capture(tmp_path: Path) -> AsyncIterator[ChangeCapture]:
    if not JARS.is_dir():
        pytest.skip("Apache Kafka is missing: run tests/servers/install.sh")
    async with ChangeCapture(tmp_path, ApacheKafka(tmp_path / "kafka")) as capture:
        yield capture


async def kill_the_holder(capture: ChangeCapture) -> None:
    holder = await capture.holder()
    holder.kill()
    holder.start()


async def freeze_the_holder_past_its_lease(capture: ChangeCapture) -> None:
    holder = await capture.holder()
    holder.signal(signal.SIGSTOP)
    assert await capture.holder() is not holder
    holder.signal(signal.SIGCONT)


async def stop_the_holder(capture: ChangeCapture) -> None:
    holder = await capture.holder()
    holder.signal(signal.SIGTERM)
    assert await asyncio.to_thread(holder.process.wait, 120) == 0
    holder.start()


async def kill_kafka(capture: ChangeCapture) -> None:
    await capture.holder()
    await asyncio.to_thread(capture.kafka.kill)
    await asyncio.sleep(random.Random(_FAULTS).uniform(0.2, 2))
    await asyncio.to_thread(capture.kafka.start)


async def kill_the_warehouse(capture: ChangeCapture) -> None:
    await capture.holder()
    await asyncio.to_thread(capture.server.kill)
    capture.server.start()


async def step_down(capture: ChangeCapture) -> None:
    await capture.holder()
    fails = {"failCommands": ["getMore", "update", "find"], "errorCode": _STEPPED_DOWN}
    await capture.warehouse.client.admin.command(
        "configureFailPoint", "failCommand", mode={"times": 20}, data=fails
    )


_FEW = (freeze_the_holder_past_its_lease, kill_kafka)
_ALL = (*_FEW, kill_the_holder, stop_the_holder, kill_the_warehouse, step_down)


# The short selection leaves out what test_kills.py does to the whole platform.
@pytest.mark.parametrize("fault", _ALL if "TWIN_TEST_KILLS" in os.environ else _FEW)
async def test_the_topic_equals_the_warehouse_after_faults(capture: ChangeCapture, fault: Fault) -> None:
    capture.start_copies(2)
    history = History(capture.warehouse, _ADA, seed=7)
    stop, choice = asyncio.Event(), random.Random(fault.__name__)
    writing = asyncio.create_task(history.run(stop, pause_seconds=0.01))
    for _ in range(_FAULTS):
        await capture.holder()
        await asyncio.sleep(choice.uniform(0.2, 1.0))
        await fault(capture)
    stop.set()
    await writing
    left = await capture.settled_differences()
    assert left == [], f"{len(left)} differences after {_FAULTS} times {fault.__name__}"
    assert capture.reader.versions


async def test_writes_during_the_back_fill_with_kills(capture: ChangeCapture) -> None:
    documents = capture.warehouse.documents
    total = _WRITES_A_FAULT * _FAULTS

    def drafts(numbers: range, text: str) -> list[DocumentDraft]:
        return [
            DocumentDraft.at(_ADA, f"https://ada.example/{n}", category=Category.POST, text=f"{text} {n}")
            for n in numbers
        ]

    before = await documents.put_many(drafts(range(total), "before"))
    capture.start_copies(1)

    async def write() -> None:
        for start in range(0, total, 50):
            await documents.put_many(drafts(range(start, start + 35), "edited"))
            for outcome in before[start + 35 : start + 40]:
                await documents.delete(outcome.document_id, Category.POST)
            await documents.put_many(drafts(range(total + start, total + start + 10), "new"))

    writing = asyncio.create_task(write())
    choice = random.Random(_FAULTS)
    for _ in range(_FAULTS):
        await asyncio.sleep(choice.uniform(1.5, 3))
        capture.copies[0].kill()
        capture.copies[0].start()
    await writing
    left = await capture.settled_differences()
    assert left == [], f"{len(left)} differences after {total} writes and {_FAULTS} kills"


async def test_the_largest_documents_do_not_hold_up_those_behind_them(capture: ChangeCapture) -> None:
    capture.start_copies(1)
    await capture.holder()
    for number, size in enumerate((1_000, 300_000, 5_000_000, 15_000_000, 1_000)):
        draft = DocumentDraft.at(
            _ADA, f"https://ada.example/{number}", category=Category.CODE, text="x" * size
        )
        await capture.warehouse.documents.put(draft)
    assert await capture.settled_differences() == []
    assert len(capture.reader.versions) == 5
