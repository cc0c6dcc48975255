"""The command line: `shiplog append FOLDER` and `shiplog read FOLDER`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from shiplog.errors import ShiplogError
from shiplog.log import Log
from shiplog.positions import Positions


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status, which is 1 when the log refused."""
    parser = argparse.ArgumentParser(prog="shiplog", description="An append-only log in a folder.")
    commands = parser.add_subparsers(dest="command", required=True)
    append = commands.add_parser("append", help="write each line of standard input as a record")
    append.add_argument("folder", type=Path)
    read = commands.add_parser("read", help="print the records that a reader has not seen")
    read.add_argument("folder", type=Path)
    read.add_argument("--reader", required=True, help="whose position to start from and to move on")
    options = parser.parse_args(arguments)
    try:
        with Log.open(options.folder) as log:
            if options.command == "append":
                log.append([line for line in sys.stdin.buffer.read().splitlines() if line])
            else:
                _print_unread(log, Positions(options.folder), options.reader)
    except (ShiplogError, ValueError) as error:
        sys.stderr.write(f"shiplog: {error}\n")
        return 1
    return 0


def _print_unread(log: Log, positions: Positions, reader: str) -> None:
    for _, body in log.read(positions.load(reader)):
        sys.stdout.write(body.decode(errors="replace") + "\n")
    sys.stdout.flush()
    positions.save(
        reader, log.next_offset
    )  # after the output: dying in between repeats lines, never skips one
