"""Children that are watched, restarted and stopped."""

import asyncio
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from twin_local import processes
from twin_local.processes import ManagedProcess, ProcessSpec, file_probe


def spec(tmp_path: Path, script: str) -> ProcessSpec:
    return ProcessSpec("child", [sys.executable, "-c", script], file_probe(tmp_path / "ready"))


def ready_then(tmp_path: Path, rest: str) -> str:
    return f"import pathlib, signal, time; pathlib.Path({str(tmp_path / 'ready')!r}).touch(); {rest}"


class TestManagedProcess:
    async def test_it_is_started_again_after_a_kill(self, tmp_path: Path) -> None:
        child = ManagedProcess(spec(tmp_path, ready_then(tmp_path, "time.sleep(60)")), tmp_path)
        await child.start()
        await child.wait_until_ready(20)
        first = child.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        async with asyncio.timeout(20):
            while child.pid in (None, first):
                await asyncio.sleep(0.02)
        assert child.restarts == 1
        await child.stop()
        assert child.pid is None

    async def test_one_that_says_it_is_broken_is_started_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(processes, "_BROKEN_SECONDS", 0.05)
        problems = iter(["no disk", None, "no disk", "no disk", "no disk"])

        async def broken() -> str | None:
            return next(problems, None)

        given = spec(tmp_path, ready_then(tmp_path, "time.sleep(60)"))
        child = ManagedProcess(replace(given, broken=broken), tmp_path)
        await child.start()
        first = child.pid
        async with asyncio.timeout(60):
            while child.pid in (None, first):
                await asyncio.sleep(0.02)
        assert next(problems, "none left") == "none left"
        await child.stop()

    async def test_one_that_never_gets_ready_is_named_with_its_log(self, tmp_path: Path) -> None:
        script = "print('no disk', flush=True); import time; time.sleep(60)"
        child = ManagedProcess(spec(tmp_path, script), tmp_path)
        await child.start()
        with pytest.raises(TimeoutError, match=r"child is not ready.*has not appeared.*child.log"):
            await child.wait_until_ready(1.5)
        await child.stop()
        assert child.last_lines() == "no disk"

    async def test_stopping_lets_it_say_its_last_word(self, tmp_path: Path) -> None:
        farewell = tmp_path / "farewell"
        say = f"pathlib.Path({str(farewell)!r}).touch()"
        listen = f"import pathlib, signal; signal.signal(15, lambda *_: ({say}, exit(0))); "
        script = listen + ready_then(tmp_path, "time.sleep(60)")
        child = ManagedProcess(spec(tmp_path, script), tmp_path)
        await child.start()
        await child.wait_until_ready(20)
        await child.stop()
        assert farewell.exists()

    async def test_the_end_of_one_can_be_somebody_elses_business(self, tmp_path: Path) -> None:
        ended = asyncio.Event()

        async def on_exit() -> None:
            ended.set()

        child = ManagedProcess(spec(tmp_path, "pass"), tmp_path)
        await child.start(on_exit)
        await asyncio.wait_for(ended.wait(), 20)
        await child.stop()
        assert child.restarts == 0
