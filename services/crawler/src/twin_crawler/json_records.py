"""Streams the objects of a JSON array that is too large to be parsed whole, past those that are broken."""

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from twin_crawler.archive_members import UnreadableMember

MAX_RECORD_CHARACTERS = 1024 * 1024
_CHUNK_CHARACTERS = 256 * 1024
_DECODER = json.JSONDecoder(strict=False)
_BETWEEN = re.compile(r"[\s,\[\];]*")
_NEXT_RECORD = re.compile(r"[}\]]\s*,\s*(?=\{)")


@dataclass(frozen=True)
class BrokenRecord:
    """A stretch of the array that is no object; `number` counts the records from one."""

    number: int
    reason: str


def read_records(file: BinaryIO) -> Iterator[tuple[int, dict[str, Any]] | BrokenRecord]:
    """The numbered objects of an array that may follow an assignment, as in `window.YTD.tweets.part0 = [`.

    A broken object costs itself alone: reading goes on where the next one begins. The end of a file that was
    cut off is a broken record too.
    """
    window = _Window(file)
    window.skip_to("[")
    number = 0
    while window.at_record():
        number += 1
        found = window.decode()
        if isinstance(found, dict):
            yield number, found
            continue
        yield BrokenRecord(number, found)
        if not window.skip_record():
            break
    if window.damage:
        yield BrokenRecord(number + 1, window.damage)


class _Window:
    """The part of the file that is in memory."""

    def __init__(self, file: BinaryIO) -> None:
        self._text = io.TextIOWrapper(file, "utf-8", errors="replace", newline="")
        self._buffer = ""
        self._at = 0
        self._ended = False
        self.damage: str | None = None

    def skip_to(self, sign: str) -> None:
        """Move to the first occurrence of a sign that stands near the beginning, if it does."""
        self._more()
        self._at = max(0, self._buffer.find(sign, 0, 4096))

    def at_record(self) -> bool:
        """Move over separators; False at the end of the file."""
        while True:
            match = _BETWEEN.match(self._buffer, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._buffer):
                return True
            if not self._more():
                return False

    def decode(self) -> dict[str, Any] | str:
        """The object here, or why there is none."""
        while True:
            try:
                found, end = _DECODER.raw_decode(self._buffer, self._at)
            except (ValueError, RecursionError) as error:
                too_long = len(self._buffer) - self._at > MAX_RECORD_CHARACTERS
                if too_long or not self._more():
                    return self._reason(error, too_long)
                continue
            if isinstance(found, dict):
                self._at = end
                return found
            return "no object"

    def skip_record(self) -> bool:
        """Move behind the next place where one object ends and another begins; False: there is none."""
        self._at += 1
        while True:
            match = _NEXT_RECORD.search(self._buffer, self._at)
            if match:
                self._at = match.end()
                return True
            self._at = max(self._at, len(self._buffer) - 100)
            if not self._more():
                return False

    def _reason(self, error: Exception, too_long: bool) -> str:
        if too_long:
            return f"no object of less than {MAX_RECORD_CHARACTERS // 1024} KiB"
        if self.damage:
            return self.damage
        return (
            f"no JSON: {error.msg}"
            if isinstance(error, json.JSONDecodeError)
            else "no JSON: nested too deeply"
        )

    def _more(self) -> bool:
        if self._ended:
            return False
        try:
            read = self._text.read(_CHUNK_CHARACTERS)
        except UnreadableMember as error:
            read, self.damage = "", str(error)
        self._ended = not read
        self._buffer = self._buffer[self._at :] + read
        self._at = 0
        return bool(read)
