"""Parts of the machine that can be made worse: a server's disk, and the clock of the services."""

import errno
import subprocess
from pathlib import Path

_DISK_BYTES = 192 * 1024 * 1024
_PIECE = b"\0" * 65_536
_SLOW_MILLISECONDS = 100
_FAKETIME = "*/faketime/libfaketime.so.1"


class SmallDisk:
    """A folder on a file system of 192 MB; mounting it needs root."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ballast = folder / "ballast"

    def mount(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        _call("mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "tmpfs", str(self._folder))

    def unmount(self) -> None:
        _call("umount", "--lazy", str(self._folder))

    def fill(self) -> None:
        """Leave no byte free."""
        with self._ballast.open("ab", buffering=0) as ballast:
            for piece in (_PIECE, b"\0"):
                try:
                    while ballast.write(piece):
                        pass
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def free(self) -> None:
        self._ballast.unlink(missing_ok=True)


class SlowDisk:
    """Flushes of a process that take longer on command: a small library that is loaded into it."""

    def __init__(self, folder: Path) -> None:
        self._library = folder / "slow_fsync.so"
        self._file = folder / "slow_fsync.milliseconds"

    def environment(self) -> dict[str, str]:
        """What the process is started with; compiles the library when it is not there."""
        if not self._library.exists():
            self._library.parent.mkdir(parents=True, exist_ok=True)
            source = Path(__file__).with_name("slow_fsync.c")
            _call("cc", "-shared", "-fPIC", "-o", str(self._library), str(source), "-ldl")
        return {"LD_PRELOAD": str(self._library), "SLOW_FSYNC_FILE": str(self._file)}

    def slow(self) -> None:
        self._file.write_text(str(_SLOW_MILLISECONDS))

    def mend(self) -> None:
        self._file.unlink(missing_ok=True)


class FalseClock:
    """The wall clock of processes that load libfaketime; their monotonic clock stays right."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "faketime"

    def environment(self) -> dict[str, str]:
        """What the processes are started with.

        Raises:
            FileNotFoundError: libfaketime is not installed.
        """
        library = next(Path("/usr/lib").glob(_FAKETIME), None)
        if library is None:
            raise FileNotFoundError("libfaketime is missing: apt-get install libfaketime")
        self.shift(0)
        return {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def shift(self, seconds: int) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(f"{seconds:+d}\n")


def _call(*command: str) -> None:
    finished = subprocess.run(command, check=False, capture_output=True, text=True)
    if finished.returncode:
        raise RuntimeError(f"{' '.join(command)}: {finished.stderr}")
