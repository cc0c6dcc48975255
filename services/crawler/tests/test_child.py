"""Child processes that do not behave."""

import sys

import pytest

from twin_common.clock import utc_now
from twin_crawler.child import CrawlProcessDied, child_runner
from twin_crawler.run_protocol import RunProgress, RunSpec
from twin_crawler.settings import CrawlPolicy

SPEC = RunSpec(author_id="ada", links=(), requested_at=utc_now(), traceparent=None, policy=CrawlPolicy())
LINE = '{"counts": {"inserted": 3}, "finished": %s}'


async def run(program: str, stall_seconds: float = 20) -> list[RunProgress]:
    runner = child_runner(stall_seconds, (sys.executable, "-c", program))
    return [progress async for progress in runner(SPEC)]


class TestChildRunner:
    async def test_a_finished_crawl_gives_its_lines(self) -> None:
        program = f"import sys; sys.stdin.readline(); print('{LINE % 'false'}'); print('{LINE % 'true'}')"
        lines = await run(program)
        assert [line.finished for line in lines] == [False, True]
        assert lines[-1].counts.inserted == 3

    @pytest.mark.parametrize(
        ("program", "says"),
        [
            ("import sys; sys.exit(7)", "exit code 7"),
            ("import os; os.kill(os.getpid(), 9)", "signal 9"),
            (f"print('{LINE % 'false'}')", "exit code 0 before"),
            ("print('hello')", "cannot be understood"),
        ],
    )
    async def test_how_it_died_is_told(self, program: str, says: str) -> None:
        with pytest.raises(CrawlProcessDied, match=says):
            await run(program)

    async def test_a_silent_child_is_ended(self) -> None:
        with pytest.raises(CrawlProcessDied, match=r"said nothing for 0\.5 seconds"):
            await run("import time; time.sleep(60)", stall_seconds=0.5)
