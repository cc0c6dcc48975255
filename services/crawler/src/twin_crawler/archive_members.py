"""What an archive consists of, what it may cost, and why a part of it is not read."""

import stat
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from twin_common.errors import TwinError


class UnreadableArchive(TwinError):
    """The file as a whole cannot be read as an archive."""


class UnreadableMember(Exception):
    """Why a member cannot be read, or not to its end; what came before is good."""


@dataclass(frozen=True)
class ArchiveLimits:
    """What an archive may cost."""

    member_bytes: int = 1024**3
    """Of one member when inflated; the largest tweets.js seen in the wild is a tenth of it."""
    total_bytes: int = 4 * 1024**3
    """Of all members that are read."""
    expansion: int = 200
    """Times the packed size, beyond `free_bytes`: text packs 3 to 20 times, bombs about 1,000 times."""
    free_bytes: int = 4 * 1024**2
    directory_bytes: int = 32 * 1024**2
    """Of the table of contents, which is held in memory: about 300,000 members."""


class Readable(Protocol):
    """As much of a file as members are read through."""

    def read(self, size: int, /) -> bytes: ...
    def close(self) -> None: ...


@dataclass(frozen=True)
class Member:
    """One file of the archive."""

    name: str
    packed_bytes: int
    open: Callable[[], Readable]
    refusal: str | None = None
    """Why it is not read at all."""


def refusal_of(name: str, flags: int, method: int, mode: int) -> str | None:
    """Why a member of a zip file is not read, as far as its header tells."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or (path.parts and ":" in path.parts[0]):
        return "its name leads out of the archive"
    if stat.S_ISLNK(mode):
        return "a symbolic link"
    if flags & 0x1:
        return "encrypted"
    if method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"packed by method {method}; only stored and deflated members are read"
    return None
