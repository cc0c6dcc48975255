"""Imports into a real warehouse."""

from pathlib import Path

import orjson
import pytest

from twin_common.identity import AuthorId
from twin_common.warehouse import Warehouse
from twin_crawler.importing import import_file

ADA = AuthorId("ada")

pytestmark = pytest.mark.integration


def write_lines(path: Path, count: int) -> Path:
    lines = [
        {"url": f"https://a.example.org/{number}", "title": f"T{number}", "text": f"Text {number}."}
        for number in range(count)
    ]
    path.write_bytes(b"\n".join(map(orjson.dumps, lines)))
    return path


class TestImportFile:
    async def test_documents_go_in_and_bad_lines_are_reported(
        self, warehouse: Warehouse, tmp_path: Path
    ) -> None:
        path = write_lines(tmp_path / "a.jsonl", 250)
        with path.open("ab") as file:
            file.write(b"\n{broken\n" + orjson.dumps({"url": "https://a.example.org/empty", "text": ""}))
        progress: list[tuple[int, int]] = []
        report = await import_file(path, ADA, warehouse, lambda done, size: progress.append((done, size)))
        assert (report.inserted, report.updated, report.unchanged, report.bad_entry_count) == (251, 0, 0, 1)
        assert report.bad_entries[0].place == "line 251"
        assert progress[-1] == (path.stat().st_size,) * 2
        assert progress == sorted(progress)
        assert len(progress) >= 3
        assert len([document async for document in warehouse.documents.all(ADA)]) == 251

    async def test_a_second_import_changes_only_what_changed(
        self, warehouse: Warehouse, tmp_path: Path
    ) -> None:
        path = write_lines(tmp_path / "a.jsonl", 30)
        await import_file(path, ADA, warehouse, lambda *_: None)
        path.write_text(path.read_text().replace("Text 7.", "Text 7, edited."))
        report = await import_file(path, ADA, warehouse, lambda *_: None)
        assert (report.inserted, report.updated, report.unchanged) == (0, 1, 29)
        assert report.documents == 30

    async def test_two_lines_of_one_address_are_one_document_of_the_later_text(
        self, warehouse: Warehouse, tmp_path: Path
    ) -> None:
        lines = [{"url": "https://a.example.org/x", "text": text} for text in ("early", "late")]
        path = tmp_path / "a.jsonl"
        path.write_bytes(b"\n".join(map(orjson.dumps, lines)))
        report = await import_file(path, ADA, warehouse, lambda *_: None)
        assert report.inserted == 1
        assert [document.text async for document in warehouse.documents.all(ADA)] == ["late"]

    async def test_an_empty_file_is_an_empty_report(self, warehouse: Warehouse, tmp_path: Path) -> None:
        path = tmp_path / "a.jsonl"
        path.touch()
        report = await import_file(path, ADA, warehouse, lambda *_: None)
        assert (report.documents, report.bad_entry_count) == (0, 0)
