"""Opening archives that were made to harm."""

import random
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twin_crawler.archive_files import open_archive
from twin_crawler.archive_members import ArchiveLimits, UnreadableArchive, UnreadableMember
from twin_crawler.testing.exports import write_zip


def read_all(path: Path, limits: ArchiveLimits = ArchiveLimits()) -> dict[str, bytes | str]:  # noqa: B008
    files = open_archive(path, limits)
    found: dict[str, bytes | str] = {}
    for name in files.members:
        try:
            found[name] = files.read(name, 10**7)
        except UnreadableMember as error:
            found[name] = str(error)
    return found


class TestTableOfContents:
    def test_one_that_claims_too_much_is_not_read(self, tmp_path: Path) -> None:
        path = write_zip(tmp_path / "a.zip", {f"{number}.txt": "x" for number in range(2000)})
        with pytest.raises(UnreadableArchive, match="table of contents"):
            open_archive(path, ArchiveLimits(directory_bytes=10_000))

    def test_overlapping_members_are_bounded_in_all(self, tmp_path: Path) -> None:
        """A table that names one packed text many times, as Fifield's bomb does."""
        path = write_zip(tmp_path / "a.zip", {"a.txt": "x" * 100_000})
        raw = path.read_bytes()
        entry_at, end_at = raw.index(b"PK\x01\x02"), raw.index(b"PK\x05\x06")
        entry = raw[entry_at:end_at]
        entries = b"".join(entry.replace(b"a.txt", f"{number:05}".encode()) for number in range(1000))
        end = bytearray(raw[end_at:])
        struct.pack_into("<HHL", end, 8, 1000, 1000, len(entries))
        path.write_bytes(raw[:entry_at] + entries + bytes(end))
        found = read_all(path, ArchiveLimits(total_bytes=1_000_000))
        assert len(found) == 1000
        assert sum(len(body) for body in found.values() if isinstance(body, bytes)) <= 1_000_000

    def test_a_lying_size_is_not_believed(self, tmp_path: Path) -> None:
        path = write_zip(tmp_path / "a.zip", {"a.txt": "x" * 60_000_000})
        raw = bytearray(path.read_bytes())
        struct.pack_into("<L", raw, raw.index(b"PK\x01\x02") + 24, 10)
        path.write_bytes(raw)
        tracemalloc.start()
        read_all(path, ArchiveLimits(free_bytes=1_000_000))
        assert tracemalloc.get_traced_memory()[1] < 15_000_000
        tracemalloc.stop()


class TestAnyBytes:
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
    @given(st.data())
    def test_a_damaged_zip_file_is_read_or_refused(self, tmp_path: Path, data: st.DataObject) -> None:
        path = write_zip(tmp_path / "a.zip", {"a.txt": "words " * 50, "b/c.txt": "more", "d.txt": ""})
        raw = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(0, 6))):
            raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])
        try:
            read_all(path)
        except UnreadableArchive as error:
            assert "a.zip" in str(error)

    def test_of_a_cut_file_every_whole_member_is_read(self, tmp_path: Path) -> None:
        bodies = {f"{number}.txt": random.Random(number).randbytes(300).hex() for number in range(20)}
        path = write_zip(tmp_path / "a.zip", bodies)
        with zipfile.ZipFile(path) as archive:
            cut = archive.getinfo("12.txt").header_offset + 50
        path.write_bytes(path.read_bytes()[:cut])
        found = read_all(path)
        whole = {name: body.decode() for name, body in found.items() if isinstance(body, bytes)}
        assert whole == {name: body for name, body in bodies.items() if int(name.split(".")[0]) < 12}
        assert found["12.txt"] == "damaged: cut off"
