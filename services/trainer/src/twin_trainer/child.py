"""Runs a training in a process of its own: its memory, its libraries and its end are not the service's."""

import asyncio
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress

from pydantic import ValidationError

from twin_trainer.job_protocol import LINE, End, Failed, JobSpec, Told
from twin_trainer.memory_watch import MemoryWatch

RunChild = Callable[[JobSpec], AsyncGenerator[Told | End, None]]

# A report with its plots is the longest line.
_LONGEST_LINE = 64 * 1024 * 1024
_STOP_SECONDS = 10.0
_LOOK_SECONDS = 1.0


def child_runner(
    stall_seconds: float,
    command: tuple[str, ...] = (),
    watch_memory: Callable[[], MemoryWatch] = MemoryWatch,
) -> RunChild:
    """How to run a training: a function that starts the child and yields what it tells, an end always last.

    Args:
        stall_seconds: a child that is silent for so long is killed.
        command: what to start instead of the training itself.
        watch_memory: begins to watch whether memory runs out.
    """
    command = command or (sys.executable, "-m", "twin_trainer.job_process")

    async def run(spec: JobSpec) -> AsyncGenerator[Told | End, None]:
        watch = watch_memory()
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=_LONGEST_LINE
        )
        looking = asyncio.create_task(_look_regularly(watch))
        try:
            async for line in _lines(process, spec, stall_seconds, watch):
                yield line
        finally:
            looking.cancel()
            await _end(process)

    return run


async def _lines(
    process: asyncio.subprocess.Process, spec: JobSpec, stall_seconds: float, watch: MemoryWatch
) -> AsyncGenerator[Told | End, None]:
    if process.stdin is None or process.stdout is None:
        raise TypeError("the child process has no pipes")
    try:
        process.stdin.write(spec.model_dump_json().encode() + b"\n")
        await process.stdin.drain()
        process.stdin.close()
        while line := await asyncio.wait_for(process.stdout.readline(), stall_seconds):
            told = LINE.validate_json(line)
            yield told
            if not isinstance(told, Told):
                return
    except TimeoutError:
        yield Failed(reason=f"it told nothing for {stall_seconds:g} seconds and was ended", may_pass=True)
        return
    except (ConnectionError, ValidationError, ValueError) as error:
        yield Failed(reason=f"its process cannot be understood: {error}"[:500], may_pass=True)
        return
    yield _ended(await process.wait(), watch)


def _ended(code: int, watch: MemoryWatch) -> Failed:
    """How a process ended that told nothing of its end."""
    if code != -signal.SIGKILL:
        how = (
            f"was ended by signal {signal.Signals(-code).name}"
            if code < 0
            else f"ended with exit code {code}"
        )
        return Failed(reason=f"the training's process {how}; its log says why", may_pass=True)
    ran_out = watch.blames_memory()
    why = "memory ran out" if ran_out else "nothing says that memory ran out, so somebody ended it"
    reason = f"the training's process was killed by signal SIGKILL: {why}"
    return Failed(reason=reason, may_pass=True, ran_out_of_memory=ran_out)


async def _look_regularly(watch: MemoryWatch) -> None:
    while True:
        watch.look()
        await asyncio.sleep(_LOOK_SECONDS)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOP_SECONDS)
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
