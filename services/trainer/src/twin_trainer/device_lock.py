"""One training at a time on a machine: a lock on the work folder, and a name that outlives the process."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


class DeviceBusy(Exception):
    """Another process trains in this folder."""


@contextmanager
def locked_device(work: Path) -> Iterator[str]:
    """Hold the folder, and with it the device that trains in it.

    Yields:
        The worker's name: the same for every process that ever held this folder, so that what one left
        unfinished is the next one's at once.

    Raises:
        DeviceBusy: another process holds it.
    """
    work.mkdir(parents=True, exist_ok=True)
    with (work / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise DeviceBusy(f"another trainer works in {work}") from error
        name_file = work / "worker"
        if not name_file.exists():
            name_file.write_text(f"worker-{uuid4().hex[:12]}", encoding="utf-8")
        yield name_file.read_text(encoding="utf-8")
