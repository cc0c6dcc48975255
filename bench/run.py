"""Every benchmark, one after the other, each in a process of its own."""

import subprocess
import sys
from pathlib import Path

_BENCHMARKS = (
    "throughput",
    "cdc",
    "freshness",
    "retrieval",
    "api",
    "crawl",
    "growth",
    "duplicates",
    "reindex",
    "dataset_quality",
    "style",
    "training",
)


def main() -> None:
    """Run those named on the command line, or all; exit 1 when one fails."""
    folder = Path(__file__).parent
    failed: list[str] = []
    for name in sys.argv[1:] or _BENCHMARKS:
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, str(folder / f"{name}.py")], check=False).returncode:
            failed.append(name)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
