"""Everything that can go wrong, in one place."""

from pathlib import Path


class ShiplogError(Exception):
    """The root of all errors raised here."""


class CorruptSegment(ShiplogError):
    """A record that had been acknowledged no longer matches its checksum."""

    def __init__(self, path: Path, position: int) -> None:
        super().__init__(
            f"{path} is damaged at byte {position}: restore this file from a copy, do not shorten it"
        )
        self.path = path
        self.position = position


class OffsetOutOfRange(ShiplogError):
    """The offset asked for has been dropped, or does not exist yet."""


class RecordTooLarge(ShiplogError):
    """A body is longer than the policy allows."""
