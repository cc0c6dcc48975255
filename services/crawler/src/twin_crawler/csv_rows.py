"""Rows of a table in an export, streamed; the first line with at least two cells names the columns."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from twin_crawler.archive_members import UnreadableMember


@dataclass(frozen=True)
class Row:
    """A row: its number, counted from one below the header, and its cells by column."""

    number: int
    cells: dict[str, str]


@dataclass(frozen=True)
class BrokenRow:
    """A row that cannot be read."""

    number: int
    reason: str


def read_rows(file: BinaryIO) -> Iterator[Row | BrokenRow]:
    """Every row that is not empty; damage ends the reading with a broken row."""
    lines = csv.reader(io.TextIOWrapper(file, "utf-8-sig", errors="replace", newline=""))
    header: list[str] | None = None
    number = 0
    while True:
        try:
            cells = next(lines)
        except StopIteration:
            return
        except csv.Error as error:
            number += 1
            yield BrokenRow(number, f"no row: {error}")
            continue
        except UnreadableMember as error:
            yield BrokenRow(number + 1, str(error))
            return
        if header is None:
            header = [cell.strip() for cell in cells] if len(cells) > 1 else None
        elif any(cells):
            number += 1
            if len(cells) == len(header):
                yield Row(number, dict(zip(header, cells, strict=True)))
            else:
                yield BrokenRow(number, f"{len(cells)} cells under {len(header)} columns")
