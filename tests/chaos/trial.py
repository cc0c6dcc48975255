"""One try: a history and the plan's faults at the same time, and then the comparison to the last byte."""

import asyncio
import re
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle

import httpx

from tests.chaos.nemesis import Nemesis
from tests.chaos.plan import Fault, Plan, Scenario, make_plan
from tests.chaos.rig import Rig
from tests.integration.comparison import differences
from tests.integration.history import History
from twin_common.clock import utc_now
from twin_common.documents import Category, DocumentDraft
from twin_common.identity import AuthorId, parse_author_id
from twin_common.vector_index import connect
from twin_common.warehouse import Warehouse
from twin_feature_stream.reconcile import compare
from twin_local.platform import port_variable
from twin_local.ports import LOOPBACK

_SETTLE_SECONDS = 180  # without any change
_QUIET_LOOKS = 3
_LAG = re.compile(r"^twin_feature_stream_lag_events\{.*\} ([0-9.e+]+)$", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """What is left of a try."""

    plan: Plan
    differences: tuple[str, ...]
    recovery_seconds: float
    """From the end of the last fault and the last write until the index equalled the warehouse."""


async def run_trial(rig: Rig, scenario: Scenario, seed: int) -> Outcome:
    """Carry out the plan of a seed; the owner is named after it, so that tries may share a rig."""
    plan = make_plan(scenario, seed)
    author = parse_author_id(f"{scenario.name}-{seed}")
    nemesis, schedule = Nemesis(rig), _Schedule(plan, overlapping=scenario.overlapping)
    async with Warehouse(rig.warehouse) as warehouse:
        history = History(warehouse, author, seed, _SwingingClock())
        if scenario.from_back_fill:
            await _begin_anew(rig, warehouse, history, plan.writes)

        async def before_write(number: int) -> None:
            await schedule.advance(number, nemesis)

        await history.write(plan.writes, scenario.pause_seconds, before_write)
        await schedule.finish()
        began = time.monotonic()
        await warehouse.documents.put(_last_word(author))
        left = await _settled(rig, warehouse)
    return Outcome(plan, tuple(left), time.monotonic() - began)


class _Schedule:
    """Begins each fault at its write; the history waits where one is due and the one before is not over."""

    def __init__(self, plan: Plan, *, overlapping: bool) -> None:
        self._waiting = list(plan.faults)
        self._under_way: list[asyncio.Task[None]] = []
        self._overlapping = overlapping

    async def advance(self, writes: int, nemesis: Nemesis) -> None:
        while self._waiting and self._waiting[0].after_writes <= writes:
            fault: Fault = self._waiting.pop(0)
            if not self._overlapping:
                await self.finish()
            self._under_way.append(asyncio.create_task(nemesis.inflict(fault)))

    async def finish(self) -> None:
        await asyncio.gather(*self._under_way)
        self._under_way.clear()


class _SwingingClock:
    """The writers' clocks do not agree: in turn right, an hour ahead and an hour behind."""

    def __init__(self) -> None:
        self._hours = cycle((0, 1, -1))

    def __call__(self) -> datetime:
        return utc_now() + timedelta(hours=next(self._hours))


async def _begin_anew(rig: Rig, warehouse: Warehouse, history: History, writes: int) -> None:
    """So many documents are there before the relay has ever run."""
    relay = rig.processes["cdc"]
    await relay.stop()
    await warehouse.database.drop_collection("cdc_state")
    await history.write(writes)
    await relay.start()


def _last_word(author: AuthorId) -> DocumentDraft:
    """Once it is in the index, everything captured before it has at least been published."""
    return DocumentDraft.at(
        author, f"https://{author}.example/last", category=Category.ARTICLE, text=f"The end, at {utc_now()}."
    )


async def _settled(rig: Rig, warehouse: Warehouse) -> list[str]:
    """What differs once nothing moves any more, or after long enough to say that it will stay so."""
    client = connect(rig.vector_index)
    try:
        before: dict[str, int] = {}
        quiet, moved = 0, time.monotonic()
        while quiet < _QUIET_LOOKS and time.monotonic() - moved < _SETTLE_SECONDS:
            counts = (await compare(warehouse, client)).counts
            if counts != before:
                before, moved = counts, time.monotonic()
            quiet = quiet + 1 if not any(counts.values()) and await _lag(rig) == 0 else 0
            await asyncio.sleep(0.3)
        return await differences(warehouse, client)
    finally:
        await client.close()


async def _lag(rig: Rig) -> float | None:
    """Events that the stream has not read; None while it does not say."""
    port = rig.platform.environment[port_variable("feature-stream")]
    try:
        async with httpx.AsyncClient(timeout=5, trust_env=False) as http:
            text = (await http.get(f"http://{LOOPBACK}:{port}/metrics")).text
    except httpx.HTTPError:
        return None
    found = [float(value) for value in _LAG.findall(text)]
    return sum(found) if found else None
