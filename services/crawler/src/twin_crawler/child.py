"""Runs a crawl in a process of its own, so that neither its memory nor its end is the service's."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress

from twin_common.errors import TwinError
from twin_crawler.run_protocol import RunProgress, RunSpec

RunChild = Callable[[RunSpec], AsyncGenerator[RunProgress, None]]

# A line names at most a thousand errors of at most 2.5 kB each.
_LONGEST_LINE = 16 * 1024 * 1024


class CrawlProcessDied(TwinError):
    """The child process ended before its crawl did, or fell silent; the text says how."""


def child_runner(stall_seconds: float, command: tuple[str, ...] = ()) -> RunChild:
    """How to run a crawl: a function that starts the child and yields its progress.

    Args:
        stall_seconds: a child that is silent for so long is killed.
        command: what to start instead of the crawl itself.
    """
    command = command or (sys.executable, "-m", "twin_crawler.crawl")

    async def run(spec: RunSpec) -> AsyncGenerator[RunProgress, None]:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=_LONGEST_LINE
        )
        try:
            async with aclosing(_progress(process, spec, stall_seconds)) as lines:
                async for progress in lines:
                    yield progress
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    return run


async def _progress(
    process: asyncio.subprocess.Process, spec: RunSpec, stall_seconds: float
) -> AsyncGenerator[RunProgress, None]:
    if process.stdin is None or process.stdout is None:
        raise TypeError("the child process has no pipes")
    finished = False
    try:
        with suppress(ConnectionError):  # a child that is gone already says how by its exit code
            process.stdin.write(spec.model_dump_json().encode() + b"\n")
            await process.stdin.drain()
        while line := await asyncio.wait_for(process.stdout.readline(), stall_seconds):
            progress = RunProgress.model_validate_json(line)
            finished = progress.finished
            yield progress
    except TimeoutError as error:
        raise CrawlProcessDied(
            f"the crawl said nothing for {stall_seconds:g} seconds and was ended"
        ) from error
    except ValueError as error:
        raise CrawlProcessDied(f"the crawl's process cannot be understood: {error}") from error
    code = await process.wait()
    if not finished:
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        raise CrawlProcessDied(f"the crawl's process {how} before the crawl was finished")
