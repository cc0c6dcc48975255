"""Whether memory, open files and lag stay flat while posts are written: SOAK_SECONDS (300), 20 a second.

The first third is for warming up; what counts is the change from the second third to the last.
"""

import asyncio
import os
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil
from results import write_result
from steady_author import SteadyAuthor

from twin_common.warehouse import Warehouse
from twin_local.connection import Connection
from twin_local.home import TwinHome
from twin_local.platform import Platform, PlatformOptions, port_variable
from twin_local.ports import LOOPBACK, free_port

_WRITES_A_SECOND = 20.0
_SAMPLE_SECONDS = 2.0
_MEBIBYTE = 2**20


@dataclass(frozen=True)
class _Sample:
    """One look at one process."""

    memory_mebibytes: float
    """Resident."""
    files: int
    """Open file descriptors."""


def _look(platform: Platform) -> dict[str, _Sample]:
    found: dict[str, _Sample] = {}
    for name, process in platform.processes.items():
        seen = psutil.Process(process.pid)
        found[name] = _Sample(seen.memory_info().rss / _MEBIBYTE, seen.num_fds())
    return found


def _lag(platform: Platform) -> float:
    """Events that the stream has not read yet."""
    port = platform.environment[port_variable("feature-stream")]
    with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    return sum(
        float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("twin_feature_stream_lag_events{")
    )


def _figures(samples: list[Mapping[str, _Sample]], lags: list[float]) -> dict[str, float]:
    third = len(samples) // 3
    figures: dict[str, float] = {
        "lag_median_events_second_third": median(lags[third : 2 * third]),
        "lag_median_events_last_third": median(lags[2 * third :]),
    }
    for process in samples[0]:
        second = [sample[process] for sample in samples[third : 2 * third]]
        last = [sample[process] for sample in samples[2 * third :]]
        name = process.replace("-", "_")
        memory = median(sample.memory_mebibytes for sample in last)
        figures[f"{name}_memory_mebibytes"] = memory
        figures[f"{name}_memory_growth"] = memory / median(sample.memory_mebibytes for sample in second) - 1
        figures[f"{name}_files"] = max(sample.files for sample in last)
        figures[f"{name}_files_growth"] = max(sample.files for sample in last) - max(
            sample.files for sample in second
        )
    return figures


async def main() -> None:
    """Measure, and write the result."""
    seconds = float(os.environ.get("SOAK_SECONDS", "300"))
    with tempfile.TemporaryDirectory(prefix="twin-soak-") as folder:
        home = TwinHome(Path(folder))
        async with Platform(PlatformOptions(home, api_port=free_port())) as platform:
            connection = Connection(home, platform.environment)
            async with Warehouse(connection.warehouse) as warehouse:
                author = SteadyAuthor(warehouse, _WRITES_A_SECOND)
                samples: list[Mapping[str, _Sample]] = []
                lags: list[float] = []
                async with author.writing():
                    end = time.perf_counter() + seconds
                    while time.perf_counter() < end:
                        await asyncio.sleep(_SAMPLE_SECONDS)
                        samples.append(_look(platform))
                        lags.append(await asyncio.to_thread(_lag, platform))
                    rate = author.rate
    write_result("soak", {"seconds": seconds, "writes_per_second": rate} | _figures(samples, lags))


if __name__ == "__main__":
    asyncio.run(main())
