"""Where a benchmark puts its figures, and what they were measured with."""

import json
import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_FOLDER = Path(__file__).parent / "results"
_PACKAGES = (
    "bytewax",
    "confluent-kafka",
    "fastapi",
    "numpy",
    "peft",
    "onnxruntime",
    "pymongo",
    "qdrant-client",
    "qdrant-edge-py",
    "secantus",
    "tokenizers",
    "torch",
    "transformers",
    "trl",
)


def write_result(benchmark: str, figures: Mapping[str, float]) -> Path:
    """Write `bench/results/<benchmark>.json`, and print it.

    Args:
        figures: a name with its unit in it, such as upsert_p95_seconds, to its value.
    """
    result = {
        "benchmark": benchmark,
        "figures": {name: round(value, 6) for name, value in figures.items()},
        "environment": {
            "python": platform.python_version(),
            "cpu": _cpu(),
            "cores": os.cpu_count(),
            "versions": {package: found for package in _PACKAGES if (found := _version(package))},
        },
    }
    text = json.dumps(result, indent=2) + "\n"
    _FOLDER.mkdir(exist_ok=True)
    path = _FOLDER / f"{benchmark}.json"
    path.write_text(text)
    print(text, flush=True)
    return path


def read_figures(benchmark: str) -> dict[str, float]:
    """The figures that stand in a result file; none when there is no such file."""
    path = _FOLDER / f"{benchmark}.json"
    found: dict[str, float] = json.loads(path.read_text())["figures"] if path.exists() else {}
    return found


def _cpu() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
