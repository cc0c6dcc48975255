"""Chooses among several readings of one page: extractors err on different pages, and seldom alike. Pure."""

import re
from collections import Counter
from collections.abc import Sequence

_SHINGLE = 4
_TRUST = 0.1
"""By so much the first reading may agree less with the others and still be taken."""

_ALIKE = 0.75
"""Readings that agree so well differ in details, in which the first is the better one."""

Shingles = Counter[tuple[str, ...]]


def shingles(text: str) -> Shingles:
    """The bag of a text's four-word shingles; a shorter text is one shingle."""
    words = re.findall(r"\w+", text.lower())
    return Counter(zip(*(words[start:] for start in range(_SHINGLE)), strict=False)) or Counter(
        [tuple(words)] if words else []
    )


def likeness(one: Shingles, other: Shingles) -> float:
    """Twice what both hold, by what they hold together: 1 for equal texts, 0 for foreign ones."""
    together = one.total() + other.total()
    return 2 * (one & other).total() / together if together else 1.0


def agree(one: str, other: str) -> bool:
    """Whether two readings are the same but for details."""
    return likeness(shingles(one), shingles(other)) > _ALIKE


def most_agreed(readings: Sequence[str], witnesses: Sequence[str] = ()) -> str:
    """The reading that is most like all others and the witnesses, with trust in the first.

    Args:
        readings: what may be chosen; empty ones are not, unless all are.
        witnesses: texts that are no reading of the page, but show what it is about; empty ones say nothing.
    """
    bags = [shingles(reading) for reading in readings]
    seen = [shingles(witness) for witness in witnesses if witness]

    def agreement(index: int) -> float:
        others = [bag for place, bag in enumerate(bags) if place != index] + seen
        trust = _TRUST if index == 0 else 0.0
        return sum(likeness(bags[index], other) for other in others) / max(1, len(others)) + trust

    filled = [index for index, reading in enumerate(readings) if reading]
    return readings[max(filled, key=agreement)] if filled else ""
