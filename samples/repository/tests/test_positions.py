from pathlib import Path

import pytest
from shiplog import Positions


class TestPositions:
    def test_a_new_reader_starts_at_the_beginning(self, tmp_path: Path) -> None:
        assert Positions(tmp_path).load("board") == 0

    def test_survives_its_process(self, tmp_path: Path) -> None:
        Positions(tmp_path).save("board", 12)
        assert Positions(tmp_path).load("board") == 12

    def test_the_slowest_reader_holds_the_log(self, tmp_path: Path) -> None:
        positions = Positions(tmp_path)
        positions.save("board", 12)
        positions.save("archive", 3)
        assert positions.lowest() == 3

    def test_a_file_half_written_is_not_a_reader(self, tmp_path: Path) -> None:
        positions = Positions(tmp_path)
        positions.save("board", 12)
        (tmp_path / "readers" / "archive.new").write_text("")
        assert positions.lowest() == 12

    def test_a_name_cannot_leave_the_folder(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="letters"):
            Positions(tmp_path).save("../board", 1)
