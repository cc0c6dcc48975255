"""Opens an archive for reading: a zip file, a folder or a single file. Nothing is unpacked to disk.

An archive is a stranger's file. Names are never used as paths, links are not followed, archives inside the
archive are not opened, and what is inflated is metered by member and in all.
"""

import io
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from twin_crawler.archive_members import (
    ArchiveLimits,
    Member,
    Readable,
    UnreadableArchive,
    UnreadableMember,
    refusal_of,
)
from twin_crawler.zip_salvage import salvage_members

_ZIP_START = b"PK\x03\x04"
_END_OF_DIRECTORY = b"PK\x05\x06"
_END_OF_DIRECTORY_64 = b"PK\x06\x06"
_READ_BYTES = 64 * 1024
_LIMITS = ArchiveLimits()


@dataclass
class _Meter:
    """What reading has cost so far."""

    limits: ArchiveLimits
    inflated: int = 0
    packed: int = 0


class ArchiveFiles:
    """The members of an archive, opened one at a time under its limits."""

    def __init__(
        self,
        name: str,
        members: list[Member],
        limits: ArchiveLimits,
        damage: str | None = None,
        is_single_file: bool = False,
    ) -> None:
        self.name = name
        self.is_single_file = is_single_file
        self.members = {member.name: member for member in members}
        self.damage = damage
        """What is wrong with the archive as a whole, in a sentence."""
        self._meter = _Meter(limits)

    @property
    def packed_bytes_read(self) -> int:
        """How much of the opened members was read, in bytes as they are packed."""
        return self._meter.packed

    def start_metering(self) -> None:
        """Count from here: what was read to recognise the archive was a look ahead."""
        self._meter = _Meter(self._meter.limits)

    def select(self, matches: Callable[[str], object]) -> list[str]:
        """The names that match, sorted: numbered parts stand in their order."""
        return sorted((name for name in self.members if matches(name)), key=_natural)

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """Open a member for streaming.

        Raises:
            UnreadableMember: on opening or while reading; the reason says which limit or damage it is.
        """
        member = self.members[name]
        if member.refusal:
            raise UnreadableMember(member.refusal)
        with _damage_named():
            opened = member.open()
        with io.BufferedReader(_Metered(opened, member, self._meter), _READ_BYTES) as reader:
            yield reader

    def read(self, name: str, at_most: int) -> bytes:
        """A small member as a whole.

        Raises:
            UnreadableMember: it is larger, or cannot be read.
        """
        with self.open(name) as file:
            body = file.read(at_most + 1)
        if len(body) > at_most:
            raise UnreadableMember(f"larger than {at_most // 1024**2} MiB")
        return body

    def summary(self) -> str:
        """The first names, for a message."""
        names = ", ".join(islice(self.members, 3))
        return f"{len(self.members)} files ({names} …)" if names else "no files"


class _Metered(io.RawIOBase):
    """A member's bytes, counted as they come."""

    def __init__(self, source: Readable, member: Member, meter: _Meter) -> None:
        self._source, self._member, self._meter = source, member, meter
        self._inflated = 0
        self._packed = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        with _damage_named():
            data = self._source.read(min(len(buffer), _READ_BYTES))
        self._count(len(data))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._source.close()
            self._meter.packed += self._member.packed_bytes - self._packed
        super().close()

    def _count(self, size: int) -> None:
        limits, packed = self._meter.limits, self._member.packed_bytes
        self._inflated += size
        self._meter.inflated += size
        progress = min(packed, self._inflated)
        self._meter.packed += progress - self._packed
        self._packed = progress
        if self._inflated > max(limits.free_bytes, limits.expansion * packed):
            raise UnreadableMember(f"a bomb: it inflates to more than {limits.expansion} times its size")
        if self._inflated > limits.member_bytes:
            raise UnreadableMember(f"inflates to more than {limits.member_bytes // 1024**2} MiB")
        if self._meter.inflated > limits.total_bytes:
            raise UnreadableMember(
                f"the archive inflates to more than {limits.total_bytes // 1024**2} MiB in all"
            )


def open_archive(path: Path, limits: ArchiveLimits = _LIMITS) -> ArchiveFiles:
    """Open a zip file, a folder or a single file.

    Raises:
        UnreadableArchive: a zip file without anything readable, or one whose table of contents is too large.
        OSError: the path cannot be read.
    """
    if path.is_dir():
        return ArchiveFiles(path.name, list(_folder_members(path)), limits)
    with path.open("rb") as file:
        is_zip = file.read(4) in (_ZIP_START, _END_OF_DIRECTORY) or path.suffix.lower() == ".zip"
    if not is_zip:
        single = Member(path.name, path.stat().st_size, lambda: path.open("rb"))
        return ArchiveFiles(path.name, [single], limits, is_single_file=True)
    return _open_zip(path, limits)


def _open_zip(path: Path, limits: ArchiveLimits) -> ArchiveFiles:
    size = _directory_bytes(path)
    if size is not None and size > limits.directory_bytes:
        raise UnreadableArchive(
            f"{path.name} lists more files than any account has: its table of contents has {size:,} bytes"
        )
    try:
        if size is None:
            raise zipfile.BadZipFile("no table of contents")  # noqa: TRY301 -- one way to the salvage
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        members, damage = salvage_members(path, limits)
        if not members:
            raise UnreadableArchive(f"{path.name} is no zip file that can be read: {error}") from error
        return ArchiveFiles(path.name, members, limits, damage)
    return ArchiveFiles(path.name, [_zip_member(archive, info) for info in archive.infolist()], limits)


def _directory_bytes(path: Path) -> int | None:
    """How large the table of contents says it is; None: the file has none, so it is cut off."""
    with path.open("rb") as file:
        length = file.seek(0, io.SEEK_END)
        file.seek(max(0, length - 65_557 - 76))
        tail = file.read()
    at = tail.rfind(_END_OF_DIRECTORY)
    if at < 0 or len(tail) < at + 22:
        return None
    size = int(struct.unpack_from("<L", tail, at + 12)[0])
    at_64 = tail.rfind(_END_OF_DIRECTORY_64)
    if at_64 >= 0 and len(tail) >= at_64 + 48:
        size = max(size if size != 0xFFFFFFFF else 0, int(struct.unpack_from("<Q", tail, at_64 + 40)[0]))
    return size


def _zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    return Member(
        info.filename,
        info.compress_size,
        lambda: archive.open(info),
        refusal_of(info.filename, info.flag_bits, info.compress_type, info.external_attr >> 16),
    )


def _folder_members(root: Path) -> Iterator[Member]:
    waiting = [root]
    while waiting:
        for path in sorted(waiting.pop().iterdir()):
            name = path.relative_to(root).as_posix()
            if path.is_symlink():
                yield Member(name, 0, path.open, "a symbolic link")  # type: ignore[arg-type]
            elif path.is_dir():
                waiting.append(path)
            elif path.is_file():
                yield Member(name, path.stat().st_size, _opener(path))


def _opener(path: Path) -> Callable[[], Readable]:
    return lambda: path.open("rb")


@contextmanager
def _damage_named() -> Iterator[None]:
    import zlib

    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise UnreadableMember(f"damaged: {error or type(error).__name__}") from error


def _natural(name: str) -> list[tuple[int, int | str]]:
    import re

    return [(0, int(part)) if part.isdigit() else (1, part) for part in re.split(r"(\d+)", name) if part]
