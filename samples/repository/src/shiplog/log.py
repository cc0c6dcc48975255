"""The log: appends to the newest segment, reads across all of them."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from shiplog.errors import OffsetOutOfRange, RecordTooLarge
from shiplog.record import encode
from shiplog.segment import Segment, segments_in, sync_folder


@dataclass(frozen=True, slots=True)
class LogPolicy:
    """Sizes in bytes. A batch is never split, so a segment may exceed its size by one batch."""

    segment_bytes: int = 1024 * 1024
    record_bytes: int = 256 * 1024


class Log:
    """An append-only log in a folder. One writer at a time; `open` makes one."""

    def __init__(self, folder: Path, policy: LogPolicy, segments: list[Segment], next_offset: int) -> None:
        self._folder = folder
        self._policy = policy
        self._segments = segments
        self._file: BinaryIO = segments[-1].path.open("ab")
        self.next_offset = next_offset

    @classmethod
    def open(cls, folder: Path, policy: LogPolicy | None = None) -> Self:
        """Open the log in `folder`, making it if need be. To open is to repair: a torn tail is cut off."""
        folder.mkdir(parents=True, exist_ok=True)
        segments = segments_in(folder) or [_create(folder, 0)]
        return cls(folder, policy or LogPolicy(), segments, segments[-1].repair())

    @property
    def first_offset(self) -> int:
        """The oldest offset that can still be read."""
        return self._segments[0].base

    def append(self, bodies: Sequence[bytes]) -> int:
        """Write a batch with one fsync, and return the offset of its first record once all of it is safe.

        Raises:
            RecordTooLarge: a body exceeds the policy; nothing of the batch is written.
            ValueError: a body is empty; nothing of the batch is written.
        """
        for body in bodies:
            if len(body) > self._policy.record_bytes:
                raise RecordTooLarge(f"{len(body)} bytes, at most {self._policy.record_bytes} are allowed")
        batch = b"".join(encode(body) for body in bodies)
        if self._file.tell() >= self._policy.segment_bytes:
            self._roll()
        self._file.write(batch)
        self._file.flush()
        os.fsync(self._file.fileno())
        first, self.next_offset = self.next_offset, self.next_offset + len(bodies)
        return first

    def read(self, start: int) -> Iterator[tuple[int, bytes]]:
        """Every record from offset `start` to the end, as (offset, body).

        Raises:
            OffsetOutOfRange: `start` was dropped, or lies beyond the end.
            CorruptSegment: see `Segment.records`.
        """
        if not self.first_offset <= start <= self.next_offset:
            raise OffsetOutOfRange(f"{start} is not within {self.first_offset} to {self.next_offset}")
        ends = [segment.base for segment in self._segments[1:]] + [self.next_offset]
        for segment, end in zip(self._segments, ends, strict=True):
            if end > start:
                yield from ((offset, body) for offset, body in segment.records() if offset >= start)

    def drop_before(self, offset: int) -> int:
        """Remove the segments that lie wholly before `offset`, never the newest; how many went."""
        dropped = 0
        while len(self._segments) > 1 and self._segments[1].base <= offset:
            self._segments.pop(0).path.unlink()
            dropped += 1
        if dropped:
            sync_folder(self._folder)
        return dropped

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _roll(self) -> None:
        self._file.close()
        self._segments.append(_create(self._folder, self.next_offset))
        self._file = self._segments[-1].path.open("ab")


def _create(folder: Path, base: int) -> Segment:
    segment = Segment.at(folder, base)
    segment.path.touch()
    sync_folder(folder)
    return segment
