"""What is timed, and how."""

import asyncio
import time

import pytest
from prometheus_client import REGISTRY

from twin_rag_api.metrics import RETRIEVAL_SECONDS, noting_steps, server_timing, timed, watch_event_loop


class TestSteps:
    async def test_those_of_the_block_and_of_its_tasks_are_noted(self) -> None:
        async def step(name: str) -> None:
            with timed(RETRIEVAL_SECONDS, name):
                await asyncio.sleep(0)

        with noting_steps() as steps:
            await asyncio.gather(step("encode"), step("search"), step("search"))
        await step("widen")
        assert sorted(steps) == ["encode", "search"]

    def test_a_step_that_fails_is_noted_too(self) -> None:
        with noting_steps() as steps, pytest.raises(ZeroDivisionError), timed(RETRIEVAL_SECONDS, "encode"):
            raise ZeroDivisionError
        assert list(steps) == ["encode"]

    def test_a_header_tells_milliseconds(self) -> None:
        assert server_timing({"encode": 0.0031, "search": 0.25}) == "encode;dur=3.100, search;dur=250.000"


class TestEventLoop:
    async def test_what_blocks_it_is_seen(self) -> None:
        def delays() -> float:
            return REGISTRY.get_sample_value("twin_event_loop_delay_seconds_sum") or 0.0

        watching = asyncio.create_task(watch_event_loop())
        await asyncio.sleep(0.05)
        before = delays()
        time.sleep(0.3)  # noqa: ASYNC251 - this is what is to be seen
        await asyncio.sleep(0.05)
        watching.cancel()
        assert delays() - before > 0.2
