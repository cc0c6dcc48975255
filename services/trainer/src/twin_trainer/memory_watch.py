"""Whether a process that was killed was killed for memory: by the kernel's counters, and by what was left."""

from pathlib import Path

_LOW_SHARE = 0.1
"""Of memory left, below which guards outside the kernel, such as earlyoom, begin to kill."""
_COUNTERS = {"": "memory.events", "memory": "memory.oom_control"}
"""Of a control group, in version 2 and in version 1: files with a line `oom_kill N`."""


class MemoryWatch:
    """Begins when a process is started, looks while it runs, and is asked once it was killed.

    The kernel counts the processes that it kills for memory, of a control group and of the machine; a group's
    own counter is read where there is one, since a machine's counter also tells of neighbours.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._kills_before = self._kills()
        self._left: float | None = None
        self.look()

    def look(self) -> None:
        """Remember which share of the memory is left."""
        self._left = self._share_left()

    def blames_memory(self) -> bool:
        """Whether memory is why the process was killed; where nothing can be read, it is taken to be."""
        kills = self._kills()
        if kills is None and self._left is None:
            return True
        counted = kills is not None and self._kills_before is not None and kills > self._kills_before
        return counted or (self._left is not None and self._left < _LOW_SHARE)

    def _kills(self) -> int | None:
        files = [self._group_file(version, name) for version, name in _COUNTERS.items()]
        for file in (*files, self._root / "proc/vmstat"):
            if file is not None and (count := _numbers(file).get("oom_kill")) is not None:
                return count
        return None

    def _share_left(self) -> float | None:
        """Of the machine's memory, or of the control group's where that is scarcer."""
        machine = _numbers(self._root / "proc/meminfo")
        shares = []
        if machine.get("MemTotal:") and "MemAvailable:" in machine:
            shares.append(machine["MemAvailable:"] / machine["MemTotal:"])
        limit, used, cached = (
            self._group_file("", name) for name in ("memory.max", "memory.current", "memory.stat")
        )
        if limit is not None and used is not None and (most := _number(limit)):
            reclaimable = _numbers(cached).get("inactive_file", 0) if cached else 0
            shares.append(1 - (_number(used) - reclaimable) / most)
        return min(shares, default=None)

    def _group_file(self, version: str, name: str) -> Path | None:
        """A file of this process's control group: at the group's path, or in a container at the top."""
        groups = self._root / "proc/self/cgroup"
        if not groups.exists():
            return None
        top = self._root / "sys/fs/cgroup" / version
        for line in groups.read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            if version in controllers.split(","):
                found = (folder / name for folder in (top / path.lstrip("/"), top))
                return next((file for file in found if file.exists()), None)
        return None


def _numbers(file: Path) -> dict[str, int]:
    """Lines of a name and a number; none of a file that cannot be read."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    pairs = [line.split()[:2] for line in lines]
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}


def _number(file: Path) -> int:
    """0 for `max`, which is no limit, and for what cannot be read."""
    try:
        text = file.read_text(encoding="utf-8").strip()
    except OSError:
        return 0
    return int(text) if text.isdigit() else 0
