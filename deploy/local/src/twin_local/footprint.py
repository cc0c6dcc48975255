"""How much the installation downloaded and holds: `python -m twin_local.footprint`.

With `--to-install` it reads requirements from standard input, as `uv export` writes them, and says how much
of that is still to be downloaded.
"""

import argparse
import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import distributions
from pathlib import Path

from packaging.tags import sys_tags
from packaging.utils import canonicalize_name, parse_wheel_filename

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)")


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


def pinned(requirements: Iterable[str]) -> dict[str, str]:
    """Names and versions of lines such as `torch==2.13.0 ; marker`."""
    found = filter(None, map(_PINNED.match, requirements))
    return {str(canonicalize_name(match[1])): match[2] for match in found}


def main() -> None:
    """Print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to-install", action="store_true")
    environment = Path(sys.prefix)
    lock = tomllib.loads((environment.parent / "uv.lock").read_text())
    installed = {str(canonicalize_name(found.name)): found.version for found in distributions()}
    if parser.parse_args().to_install:
        missing = {
            name: version for name, version in pinned(sys.stdin).items() if installed.get(name) != version
        }
        size = download_bytes(lock, missing) / 1e6
        print(  # noqa: T201  # the whole purpose
            f"The training stack: {len(missing)} packages to install, {size:,.0f} MB to download"
        )
        return
    held = sum(file.stat().st_size for file in environment.rglob("*") if file.is_file())
    downloaded = download_bytes(lock, installed) / 1e6
    print(  # noqa: T201  # the whole purpose
        f"Installed: {len(installed)} packages, {downloaded:,.0f} MB downloaded (or taken from uv's cache), "
        f"{held / 1e6:,.0f} MB on disk"
    )


if __name__ == "__main__":
    main()
