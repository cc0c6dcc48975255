"""What a rule noticed."""

from dataclasses import dataclass
from typing import Literal

Place = Literal["source", "answer"]


@dataclass(frozen=True)
class Finding:
    """A rule noticed something; never what it was word for word, since that may be a secret."""

    rule: str
    place: Place
    source: int | None = None
    """The number of the source, if it was in one."""
