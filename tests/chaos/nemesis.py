"""Carries out the faults of a plan."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from tests.chaos.plan import Fault, FaultKind
from tests.chaos.proxy import FAIR, Weather
from tests.chaos.rig import Rig
from twin_local.processes import ManagedProcess

_BACK_SECONDS = 180
_RESETS = 5
_WEATHER = {
    FaultKind.CUT: Weather(refuses=True),
    FaultKind.STALL: Weather(stalled=True),
    FaultKind.DELAY: Weather(delay_seconds=0.05),
    FaultKind.THROTTLE: Weather(bytes_per_second=100_000),
}
_HOUR = 3600


class Nemesis:
    """Does harm, and takes back what lasts."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig

    async def inflict(self, fault: Fault) -> None:
        """Return when the fault is over and what it hit is up again.

        Raises:
            TimeoutError: the process did not come back.
        """
        target = fault.target
        match fault.kind:
            case FaultKind.KILL | FaultKind.RESTART:
                sent = signal.SIGKILL if fault.kind is FaultKind.KILL else signal.SIGTERM
                await self._end(self._rig.processes[target], sent)
            case FaultKind.OUTAGE:
                await self._keep_away(self._rig.processes[target], fault.seconds)
            case FaultKind.FREEZE:
                await self._freeze(self._rig.processes[target], fault.seconds)
            case FaultKind.RESET:
                for _ in range(_RESETS):
                    self._rig.proxies[target].reset()
                    await asyncio.sleep(fault.seconds / _RESETS)
            case FaultKind.HALF_OPEN:
                self._rig.proxies[target].forget()
            case FaultKind.SLOW_DISK:
                disk = self._rig.slow_disks[target]
                await _while(disk.slow, disk.mend, fault.seconds)
            case FaultKind.FULL_DISK:
                full = self._rig.small_disks[target]
                await _while(full.fill, full.free, fault.seconds)
                await _until_ready(self._rig.processes[target])
            case FaultKind.CLOCK:
                await self._shift_clock(fault)
            case _:
                with self._weather(fault):
                    await asyncio.sleep(fault.seconds)

    @contextmanager
    def _weather(self, fault: Fault) -> Iterator[None]:
        proxy = self._rig.proxies[fault.target]
        proxy.change(_WEATHER[fault.kind])
        if fault.kind is FaultKind.CUT:
            proxy.reset()
        try:
            yield
        finally:
            proxy.change(FAIR)

    async def _end(self, process: ManagedProcess, sent: signal.Signals) -> None:
        async with asyncio.timeout(_BACK_SECONDS):
            while (pid := process.pid) is None:
                await asyncio.sleep(0.05)
            os.kill(pid, sent)
            while process.pid in (pid, None):
                await asyncio.sleep(0.05)
        await _until_ready(process)

    async def _keep_away(self, process: ManagedProcess, seconds: float) -> None:
        if process.pid is not None:
            os.kill(process.pid, signal.SIGKILL)
        await process.stop()
        await asyncio.sleep(seconds)
        await process.start()
        await _until_ready(process)

    async def _freeze(self, process: ManagedProcess, seconds: float) -> None:
        pid = process.pid
        if pid is None:
            return
        os.killpg(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGCONT)

    async def _shift_clock(self, fault: Fault) -> None:
        clock = self._rig.clock
        assert clock is not None, "the scenario's rig has no clock of its own"
        shift = _HOUR if fault.target == "ahead" else -_HOUR
        await _while(lambda: clock.shift(shift), lambda: clock.shift(0), fault.seconds)


async def _while(begin: Callable[[], None], end: Callable[[], None], seconds: float) -> None:
    await asyncio.to_thread(begin)
    try:
        await asyncio.sleep(seconds)
    finally:
        await asyncio.to_thread(end)


async def _until_ready(process: ManagedProcess) -> None:
    ready: Callable[[], Awaitable[str | None]] = process.spec.ready
    async with asyncio.timeout(_BACK_SECONDS):
        while await ready():
            await asyncio.sleep(0.1)
