import io
from pathlib import Path
from types import SimpleNamespace

import pytest
from shiplog.command import main


def append(monkeypatch: pytest.MonkeyPatch, folder: Path, lines: bytes) -> int:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(lines)))
    return main(["append", str(folder)])


class TestReadingByCommand:
    def test_each_reader_sees_each_line_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert append(monkeypatch, tmp_path, b"08:15 Ejder\n\n08:40 Alka\n") == 0
        for reader, expected in [
            ("board", "08:15 Ejder\n08:40 Alka\n"),
            ("board", ""),
            ("app", "08:15 Ejder\n08:40 Alka\n"),
        ]:
            assert main(["read", str(tmp_path), "--reader", reader]) == 0
            assert capsys.readouterr().out == expected

    def test_a_refusal_is_one_sentence_and_a_status(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["read", str(tmp_path), "--reader", "no/where"]) == 1
        assert "letters, digits and hyphens" in capsys.readouterr().err
