"""How much the installation downloaded and holds: `python -m twin_local.footprint`."""

import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

from packaging.tags import sys_tags
from packaging.utils import canonicalize_name, parse_wheel_filename


def download_bytes(lock: dict[str, list[dict[str, object]]], installed: dict[str, str]) -> int:
    """Size of the wheels that this machine's installed versions came from, by the lock file."""
    supported = {tag: rank for rank, tag in enumerate(sys_tags())}
    total = 0
    for package in lock["package"]:
        if installed.get(str(package["name"])) != package.get("version"):
            continue
        sizes: list[tuple[int, int]] = []
        for wheel in package.get("wheels", []):  # type: ignore[attr-defined]  # a list of tables
            name = str(wheel["url"]).rsplit("/", 1)[-1]
            ranks = [supported[tag] for tag in parse_wheel_filename(name)[3] if tag in supported]
            if ranks:
                sizes.append((min(ranks), int(wheel["size"])))
        total += min(sizes)[1] if sizes else 0
    return total


def main() -> None:
    """Print one line."""
    environment = Path(sys.prefix)
    lock = tomllib.loads((environment.parent / "uv.lock").read_text())
    installed = {str(canonicalize_name(found.name)): found.version for found in distributions()}
    held = sum(file.stat().st_size for file in environment.rglob("*") if file.is_file())
    downloaded = download_bytes(lock, installed) / 1e6
    print(  # noqa: T201  # the whole purpose
        f"Installed: {len(installed)} packages, {downloaded:,.0f} MB downloaded (or taken from uv's cache), "
        f"{held / 1e6:,.0f} MB on disk"
    )


if __name__ == "__main__":
    main()
