from pathlib import Path

import pytest
from shiplog import CorruptSegment, Log, LogPolicy, OffsetOutOfRange, RecordTooLarge

SMALL = LogPolicy(segment_bytes=64, record_bytes=32)


def filled(folder: Path, count: int = 20) -> list[Path]:
    with Log.open(folder, SMALL) as log:
        for number in range(count):
            log.append([f"departure {number}".encode()])
    return sorted(folder.glob("*.log"))


class TestAppending:
    def test_offsets_count_records_across_batches_segments_and_openings(self, tmp_path: Path) -> None:
        filled(tmp_path)
        with Log.open(tmp_path, SMALL) as log:
            assert log.append([b"a", b"b"]) == 20
            assert [body for _, body in log.read(19)] == [b"departure 19", b"a", b"b"]

    def test_a_batch_with_one_record_too_large_leaves_nothing(self, tmp_path: Path) -> None:
        with Log.open(tmp_path, SMALL) as log:
            with pytest.raises(RecordTooLarge):
                log.append([b"small", b"x" * 33])
            assert list(log.read(0)) == []


class TestOpening:
    @pytest.mark.parametrize("torn", range(1, 12))
    def test_cuts_a_torn_tail_and_goes_on_from_there(self, tmp_path: Path, torn: int) -> None:
        newest = filled(tmp_path)[-1]
        newest.write_bytes(newest.read_bytes()[:-torn])
        with Log.open(tmp_path, SMALL) as log:
            assert log.next_offset == 19
            log.append([b"after the storm"])
            assert [offset for offset, _ in log.read(0)] == list(range(20))

    def test_does_not_cut_a_hole_in_an_older_segment(self, tmp_path: Path) -> None:
        oldest = filled(tmp_path)[0]
        damaged = bytearray(oldest.read_bytes())
        damaged[10] ^= 0xFF
        oldest.write_bytes(damaged)
        with Log.open(tmp_path, SMALL) as log, pytest.raises(CorruptSegment) as raised:
            list(log.read(0))
        assert (raised.value.path, raised.value.position) == (oldest, 0)
        assert oldest.read_bytes() == damaged


class TestReading:
    @pytest.mark.parametrize("start", [0, 7, 20])
    def test_starts_at_any_offset_and_reads_to_the_end(self, tmp_path: Path, start: int) -> None:
        filled(tmp_path)
        with Log.open(tmp_path, SMALL) as log:
            assert [offset for offset, _ in log.read(start)] == list(range(start, 20))

    def test_says_what_can_be_read_when_asked_for_more(self, tmp_path: Path) -> None:
        filled(tmp_path)
        with Log.open(tmp_path, SMALL) as log, pytest.raises(OffsetOutOfRange, match="0 to 20"):
            list(log.read(21))


class TestDropping:
    def test_keeps_every_record_from_the_offset_on(self, tmp_path: Path) -> None:
        before = len(filled(tmp_path))
        with Log.open(tmp_path, SMALL) as log:
            assert 0 < log.drop_before(10) < before
            assert log.first_offset <= 10
            assert [offset for offset, _ in log.read(10)] == list(range(10, 20))

    def test_never_drops_the_newest_segment(self, tmp_path: Path) -> None:
        filled(tmp_path)
        with Log.open(tmp_path, SMALL) as log:
            log.drop_before(1_000)
            assert log.append([b"still here"]) == 20
