"""Finds the members of a zip file that lost its table of contents, as a download that broke off does.

Each member is preceded by a header of its own (PKWARE's APPNOTE.TXT, 4.3.7), so the file is walked from its
start. Where a header leaves the sizes to a trailer, the member is inflated once, metered, to find its end.
"""

import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from twin_crawler.archive_members import ArchiveLimits, Member, refusal_of

_HEADER = struct.Struct("<4s5H3L2H")
_SIGNATURE = b"PK\x03\x04"
_TRAILER = b"PK\x07\x08"
_CHUNK = 64 * 1024
_MOST_MEMBERS = 300_000


@dataclass(frozen=True)
class _Header:
    name: str
    flags: int
    method: int
    packed_bytes: int | None
    """None: unknown before the member was inflated."""
    start: int


def salvage_members(path: Path, limits: ArchiveLimits) -> tuple[list[Member], str]:
    """The members up to where the file ends or makes no sense, and a sentence about the damage."""
    members: list[Member] = []
    inflated = 0
    with path.open("rb") as file:
        while len(members) < _MOST_MEMBERS and (header := _read_header(file)) is not None:
            size = header.packed_bytes
            if size is None:
                size, cost = _measure(file, header, limits)
                inflated += cost
            members.append(_member(path, header, size))
            file.seek(header.start + size)
            if header.packed_bytes is None:
                _skip_trailer(file)
            if inflated > limits.total_bytes:
                break
    damage = f"the archive is cut off: only its first {len(members)} members were found"
    return [member for member in members if not member.name.endswith("/")], damage


def _read_header(file: BinaryIO) -> _Header | None:
    fixed = file.read(_HEADER.size)
    if len(fixed) < _HEADER.size or fixed[:4] != _SIGNATURE:
        return None
    _, _, flags, method, _, _, _, packed, _, name_length, extra_length = _HEADER.unpack(fixed)
    name, extra = file.read(name_length), file.read(extra_length)
    if packed == 0xFFFFFFFF:
        packed = _packed_bytes_64(extra)
    text = name.decode("utf-8" if flags & 0x800 else "cp437", "replace")
    unknown = flags & 0x8 and method == zipfile.ZIP_DEFLATED and not packed
    return _Header(text, flags, method, None if unknown else packed, file.tell())


def _packed_bytes_64(extra: bytes) -> int:
    """The packed size in the extra field of large members; 0 where it is missing."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1 and length >= 16 and at + 20 <= len(extra):
            return int(struct.unpack_from("<Q", extra, at + 12)[0])
        at += 4 + length
    return 0


def _measure(file: BinaryIO, header: _Header, limits: ArchiveLimits) -> tuple[int, int]:
    """The packed and the inflated size of a member whose header tells neither."""
    inflater = zlib.decompressobj(-15)
    packed = inflated = 0
    while not inflater.eof and inflated <= limits.member_bytes and (data := file.read(_CHUNK)):
        packed += len(data)
        try:
            while data and not inflater.eof:
                inflated += len(inflater.decompress(data, _CHUNK))
                data = inflater.unconsumed_tail
        except zlib.error:
            break
    return packed - len(inflater.unused_data), inflated


def _skip_trailer(file: BinaryIO) -> None:
    """Step over the sizes behind a member: 12 or 20 bytes, with or without a signature."""
    start = file.tell()
    ahead = file.read(28)
    at = ahead.find(_SIGNATURE)
    if at < 0:
        at = 16 if ahead.startswith(_TRAILER) else 12
    file.seek(start + at)


def _member(path: Path, header: _Header, size: int) -> Member:
    def open_member() -> "_Inflating":
        return _Inflating(path, header, size)

    return Member(header.name, size, open_member, refusal_of(header.name, header.flags, header.method, 0))


class _Inflating:
    """Reads a member in the file; its end is marked as damage if it comes too early."""

    def __init__(self, path: Path, header: _Header, size: int) -> None:
        self._file = path.open("rb")
        self._file.seek(header.start)
        self._left = size
        self._inflater = zlib.decompressobj(-15) if header.method == zipfile.ZIP_DEFLATED else None
        self._waiting = b""

    def read(self, size: int, /) -> bytes:
        if self._inflater is None:
            data = self._next(size)
            if not data and self._left:
                raise EOFError("cut off")
            return data
        while not self._inflater.eof:
            data = self._waiting or self._next(_CHUNK)
            out = self._inflater.decompress(data, size)
            self._waiting = self._inflater.unconsumed_tail
            if out:
                return out
            if not data:
                raise EOFError("cut off")
        return b""

    def close(self) -> None:
        self._file.close()

    def _next(self, size: int) -> bytes:
        data = self._file.read(min(size, self._left))
        self._left -= len(data)
        return data
