"""Child processes that are started, watched, restarted and stopped."""

import asyncio
import ctypes
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import structlog

log = structlog.get_logger(__name__)

_RESTART_PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)
_STABLE_SECONDS = 20.0
_STOP_SECONDS = 15.0
_BROKEN_SECONDS = 5.0
_BROKEN_LOOKS = 3
_PR_SET_PDEATHSIG = 1

Probe = Callable[[], Awaitable[str | None]]
"""None when the process is ready, else a sentence that says what is missing."""


async def at_once() -> str | None:
    """The probe of a process that nobody asks anything."""
    return None


@dataclass(frozen=True)
class ProcessSpec:
    """What is started, and how to see that it is ready."""

    name: str
    command: list[str]
    ready: Probe
    environment: dict[str, str] = field(default_factory=dict)
    broken: Probe = at_once
    """Says what only a restart mends, if anything; to be away or slow is no such thing."""


class ManagedProcess:
    """One child that is kept running until it is stopped."""

    def __init__(self, spec: ProcessSpec, log_folder: Path) -> None:
        self.spec = spec
        self.restarts = 0
        self._log_path = log_folder / f"{spec.name}.log"
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None
        self._examining: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The child's process id while it lives."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self, on_exit: Callable[[], Awaitable[None]] | None = None) -> None:
        """Start the child and watch it.

        Args:
            on_exit: called instead of the restart when the child ends by itself.
        """
        await self._spawn()
        self._watching = asyncio.create_task(self._watch(on_exit), name=f"watch {self.spec.name}")
        self._examining = asyncio.create_task(self._examine(), name=f"examine {self.spec.name}")

    async def wait_until_ready(self, timeout_seconds: float) -> None:
        """Wait for the probe.

        Raises:
            TimeoutError: it did not get ready; the text says what was missing and where the log is.
        """
        problem: str | None = "not asked yet"
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            problem = await self.spec.ready()
            if problem is None:
                return
            await asyncio.sleep(0.05)
        raise TimeoutError(
            f"{self.spec.name} is not ready after {timeout_seconds:.0f} s: {problem}; "
            f"its log: {self._log_path}"
        )

    async def stop(self) -> None:
        """Ask the child to end, and make it after a while."""
        for task in (self._watching, self._examining):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        process = self._process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), _STOP_SECONDS)
        except TimeoutError:
            log.warning("did not stop in time: killed", process=self.spec.name)
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def last_lines(self, count: int = 5) -> str:
        """The end of the child's log, for an error message."""
        try:
            return "\n".join(self._log_path.read_text(errors="replace").splitlines()[-count:])
        except FileNotFoundError:
            return ""

    async def _spawn(self) -> None:
        self._log_path.parent.mkdir(parents=True, exist_ok=True)
        with self._log_path.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *self.spec.command,
                env=os.environ | self.spec.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C reaches the supervisor alone, which stops all in order
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )

    async def _watch(self, on_exit: Callable[[], Awaitable[None]] | None) -> None:
        failures = 0
        while True:
            started = time.monotonic()
            assert self._process is not None  # noqa: S101  # set by _spawn
            code = await self._process.wait()
            log.warning("ended by itself", process=self.spec.name, exit_code=code)
            if on_exit is not None:
                await on_exit()
                return
            failures = 0 if time.monotonic() - started > _STABLE_SECONDS else failures + 1
            await asyncio.sleep(_RESTART_PAUSES[min(failures, len(_RESTART_PAUSES) - 1)])
            self.restarts += 1
            await self._spawn()

    async def _examine(self) -> None:
        """Kill a child that says several times running that only a restart mends it."""
        looks = 0
        while True:
            await asyncio.sleep(_BROKEN_SECONDS)
            problem = await self.spec.broken()
            looks = looks + 1 if problem else 0
            if looks >= _BROKEN_LOOKS and self.pid is not None:
                log.error("is broken: killed, to be started again", process=self.spec.name, problem=problem)
                os.kill(self.pid, signal.SIGKILL)
                looks = 0


def _die_with_parent() -> None:
    """In the child: end when the supervisor ends, however it ends.

    At once, because a supervisor that is gone stops nobody in order, and every process of the platform is
    made to survive this.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def http_probe(url: str) -> Probe:
    """Ready when the address answers 200; else what it says, or that it does not answer."""

    async def probe() -> str | None:
        try:
            async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
                answer = await client.get(url)
        except httpx.HTTPError as error:
            return f"{url} does not answer ({type(error).__name__})"
        return None if answer.is_success else answer.text.strip()[:300] or f"{url} says {answer.status_code}"

    return probe


def port_probe(host: str, port: int) -> Probe:
    """Ready when a connection is accepted."""

    async def probe() -> str | None:
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            return f"nothing listens on {host}:{port}"
        writer.close()
        return None

    return probe


def file_probe(path: Path) -> Probe:
    """Ready when the file is there."""

    async def probe() -> str | None:
        appeared = await asyncio.to_thread(path.exists)
        return None if appeared else f"{path.name} has not appeared"

    return probe
