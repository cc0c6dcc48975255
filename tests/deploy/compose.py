"""The compose files, read as YAML: no Docker is needed."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

COMPOSE = Path(__file__).parents[2] / "deploy" / "compose"
OVERLAYS = sorted(COMPOSE.glob("compose*.yaml"))


@cache
def load(path: Path) -> dict[str, Any]:
    """One file, its anchors and merges resolved."""
    content = yaml.safe_load(path.read_text())
    assert isinstance(content, dict)
    return content
