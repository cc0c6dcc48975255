"""An append-only log in a folder: what was acknowledged stays."""

from shiplog.errors import CorruptSegment, OffsetOutOfRange, RecordTooLarge
from shiplog.log import Log, LogPolicy
from shiplog.positions import Positions

__all__ = ["CorruptSegment", "Log", "LogPolicy", "OffsetOutOfRange", "Positions", "RecordTooLarge"]
