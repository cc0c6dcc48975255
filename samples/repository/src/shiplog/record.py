"""How one record lies in a file: length, checksum, body. Pure functions over bytes."""

import struct
import zlib
from dataclasses import dataclass

HEADER = struct.Struct(">II")  # length and CRC-32 of the body


@dataclass(frozen=True, slots=True)
class Record:
    """A body, and the bytes it takes in the file with its header."""

    body: bytes
    size: int


def encode(body: bytes) -> bytes:
    """Frame `body` for the file.

    Raises:
        ValueError: it is empty. A run of zeros, as left by a power cut, would read as endless empty records.
    """
    if not body:
        raise ValueError("a record needs a body of at least one byte")
    return HEADER.pack(len(body), zlib.crc32(body)) + body


def decode(buffer: bytes, start: int) -> Record | None:
    """The record that begins at `start`, or None where only a torn tail is left."""
    if len(buffer) - start < HEADER.size:
        return None
    length, checksum = HEADER.unpack_from(buffer, start)
    body = buffer[start + HEADER.size : start + HEADER.size + length]
    if length == 0 or len(body) < length or zlib.crc32(body) != checksum:
        return None
    return Record(body=body, size=HEADER.size + length)
