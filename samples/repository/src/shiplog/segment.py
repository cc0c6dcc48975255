"""One file of the log. Its name is the offset of its first record."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shiplog.errors import CorruptSegment
from shiplog.record import decode


@dataclass(frozen=True, slots=True)
class Segment:
    """A file of records, the first of which has the offset `base`."""

    path: Path
    base: int

    @classmethod
    def at(cls, folder: Path, base: int) -> "Segment":
        return cls(folder / f"{base:020d}.log", base)

    def records(self) -> Iterator[tuple[int, bytes]]:
        """Each record with its offset.

        Raises:
            CorruptSegment: a record does not match its checksum, or the file ends in the middle of one.
        """
        buffer = self.path.read_bytes()
        position, offset = 0, self.base
        while position < len(buffer):
            record = decode(buffer, position)
            if record is None:
                raise CorruptSegment(self.path, position)
            yield offset, record.body
            position += record.size
            offset += 1

    def repair(self) -> int:
        """Cut off a torn tail, which was never acknowledged; the offset that comes next."""
        buffer = self.path.read_bytes()
        position, offset = 0, self.base
        while (record := decode(buffer, position)) is not None:
            position += record.size
            offset += 1
        if position < len(buffer):
            with self.path.open("r+b") as file:
                file.truncate(position)
                os.fsync(file.fileno())
        return offset


def segments_in(folder: Path) -> list[Segment]:
    """All segments of a log, the oldest first."""
    return [Segment(path, int(path.stem)) for path in sorted(folder.glob("*.log"))]


def sync_folder(folder: Path) -> None:
    """Make names durable: a file may be safe on the disk and yet be missing from its folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
