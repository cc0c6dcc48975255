"""`python -m twin_feature_stream.datasets`: builds every author's dataset whenever it is due.

A process of its own, since a build must neither slow the stream down nor take it along when it fails; with
`--once` it looks a single time and ends, as a CronJob wants it.
"""

import argparse
import asyncio
import signal
import sys

from twin_common import telemetry
from twin_common.configuration import read
from twin_feature_stream.datasets.schedule import Schedule
from twin_feature_stream.datasets.settings import DatasetSettings
from twin_feature_stream.work import SERVICE


def main() -> int:
    """Run until SIGTERM or SIGINT (0); with --once, 1 where a build failed."""
    parser = argparse.ArgumentParser(prog="python -m twin_feature_stream.datasets", description=__doc__)
    parser.add_argument("--once", action="store_true", help="look once and end")
    once = parser.parse_args().once
    telemetry.configure(SERVICE)
    return asyncio.run(_run(Schedule(read(DatasetSettings)), once=once))


async def _run(schedule: Schedule, *, once: bool) -> int:
    if once:
        return 0 if await schedule.look() else 1
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await schedule.run(stop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
