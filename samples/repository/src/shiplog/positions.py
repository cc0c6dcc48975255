"""Where each reader has got to: one small file each, replaced and never edited."""

import os
from pathlib import Path

from shiplog.segment import sync_folder


class Positions:
    """The positions of the readers of the log in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "readers"

    def load(self, reader: str) -> int:
        """The next offset that `reader` wants; 0 for a reader that has never saved one."""
        path = self._folder / reader
        return int(path.read_text()) if path.exists() else 0

    def save(self, reader: str, next_offset: int) -> None:
        """Promise that everything before `next_offset` is dealt with.

        Raises:
            ValueError: the name could leave the folder, or be taken for a file half written.
        """
        if not reader.replace("-", "").isalnum():
            raise ValueError(f"a reader is named with letters, digits and hyphens, not {reader!r}")
        self._folder.mkdir(parents=True, exist_ok=True)
        fresh = self._folder / f"{reader}.new"
        with fresh.open("w") as file:
            file.write(str(next_offset))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._folder / reader)
        sync_folder(self._folder)

    def lowest(self) -> int:
        """The position of the slowest reader, which is how far the log may be dropped; 0 without readers."""
        readers = [path for path in self._folder.glob("*") if path.suffix != ".new"]
        return min((int(path.read_text()) for path in readers), default=0)
