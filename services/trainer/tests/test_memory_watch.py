"""Kills for memory are told from others, by what Linux says of the machine and of its control groups."""

from pathlib import Path

import pytest

from twin_trainer.memory_watch import MemoryWatch


class Machine:
    """The files that the kernel would show, below a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("proc/self/cgroup", "0::/twin")
        self.write("proc/vmstat", "oom_kill 3")
        self.memory(left=8000)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")

    def memory(self, left: int) -> None:
        self.write("proc/meminfo", f"MemTotal: 10000 kB\nMemFree: 1 kB\nMemAvailable: {left} kB")

    def watch(self) -> MemoryWatch:
        return MemoryWatch(self.root)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


class TestCounters:
    """The kernel counts whom it kills for memory."""

    @pytest.mark.parametrize(
        ("group", "file"),
        [
            ("0::/twin", "sys/fs/cgroup/twin/memory.events"),
            ("0::/", "sys/fs/cgroup/memory.events"),
            ("4:memory:/twin\n0::/", "sys/fs/cgroup/memory/twin/memory.oom_control"),
            ("0::/twin", "proc/vmstat"),
        ],
        ids=["version 2", "container", "version 1", "machine"],
    )
    def test_that_grew_blame_memory(self, machine: Machine, group: str, file: str) -> None:
        machine.write("proc/self/cgroup", group)
        machine.write(file, "low 7\noom_kill 2")
        watch = machine.watch()
        assert not watch.blames_memory()
        machine.write(file, "low 7\noom_kill 3")
        assert watch.blames_memory()

    def test_a_neighbours_end_is_not_ours(self, machine: Machine) -> None:
        machine.write("sys/fs/cgroup/twin/memory.events", "oom_kill 0")
        watch = machine.watch()
        machine.write("proc/vmstat", "oom_kill 9")
        assert not watch.blames_memory()


class TestLeft:
    """Guards outside the kernel kill when little is left, and count nothing."""

    def test_little_blames_memory(self, machine: Machine) -> None:
        watch = machine.watch()
        machine.memory(left=400)
        watch.look()
        machine.memory(left=9000)  # freed by the kill
        assert watch.blames_memory()

    @pytest.mark.parametrize(("used", "blamed"), [(500, False), (970, True), (990, False)])
    def test_a_groups_limit_counts_without_its_cache(self, machine: Machine, used: int, blamed: bool) -> None:
        for name, text in {
            "max": "1000",
            "current": str(used),
            "stat": f"anon 1\ninactive_file {200 if used == 990 else 10}",
        }.items():
            machine.write(f"sys/fs/cgroup/twin/memory.{name}", text)
        assert machine.watch().blames_memory() is blamed

    def test_no_limit_is_none(self, machine: Machine) -> None:
        machine.write("sys/fs/cgroup/twin/memory.max", "max")
        machine.write("sys/fs/cgroup/twin/memory.current", "5")
        assert not machine.watch().blames_memory()


def test_where_nothing_can_be_read_memory_is_blamed(tmp_path: Path) -> None:
    assert MemoryWatch(tmp_path).blames_memory()
