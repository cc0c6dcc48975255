"""Reads secrets where the owner's credentials point: the warehouse holds references, never secrets."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from twin_common.identity import AuthorId

_VARIABLE = re.compile(r"env:(TWIN_SECRET_[A-Z0-9_]{1,100})")
_FILE = re.compile(r"file:((?!\.)[\w-][\w.-]{0,100})")
_MOST_BYTES = 16 * 1024


@dataclass(frozen=True)
class Credentials:
    """One author's references to secrets, by the name of what they open."""

    author_id: AuthorId
    references: Mapping[str, str] = field(default_factory=dict)
    """`env:TWIN_SECRET_…` for a variable of the crawler, `file:NAME` for a file in the author's folder."""
    folder: Path | None = None
    """Where each author has a folder of secrets."""

    def secret(self, name: str) -> str | None:
        """The secret for a place; None: there is no reference, or nothing where it points."""
        reference = self.references.get(name, "")
        if variable := _VARIABLE.fullmatch(reference):
            return os.environ.get(variable[1], "").strip() or None
        file = _FILE.fullmatch(reference)
        if file is None or self.folder is None:
            return None
        try:
            with (self.folder / self.author_id / file[1]).open("rb") as opened:
                return opened.read(_MOST_BYTES).decode().strip() or None
        except (OSError, UnicodeDecodeError):
            return None
