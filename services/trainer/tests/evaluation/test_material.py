from pathlib import Path

import pyarrow as arrow  # type: ignore[import-untyped]
import pytest
from pyarrow import parquet

from twin_trainer.evaluation.material import (
    Sample,
    UnreadableDataset,
    main_language,
    prose,
    read_samples,
    spread,
)


def _write(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(arrow.Table.from_pylist(rows), path)


def _row(**fields: object) -> dict[str, object]:
    return {
        "prompt": [{"role": "user", "content": "Write."}],
        "completion": [{"role": "assistant", "content": "Mine."}],
        "document_id": "d1",
        "category": "article",
        "language": "en",
    } | fields


class TestReading:
    def test_rows_of_a_dataset_version_are_samples(self, tmp_path: Path) -> None:
        _write(tmp_path / "instruct/train.parquet", [_row(), _row(category="code", language=None)])
        _write(tmp_path / "instruct/test.parquet", [_row(document_id="d2")])
        training, held_out = read_samples(tmp_path)
        assert training[0] == Sample("d1", "Write.", "Mine.", is_prose=True, language="en")
        assert not training[1].is_prose
        assert held_out[0].document_id == "d2"

    def test_nothing_held_out_is_no_error_yet(self, tmp_path: Path) -> None:
        _write(tmp_path / "instruct/train.parquet", [_row()])
        assert read_samples(tmp_path)[1] == []

    def test_what_is_no_dataset_is_named_with_a_remedy(self, tmp_path: Path) -> None:
        with pytest.raises(UnreadableDataset, match="twin dataset build"):
            read_samples(tmp_path)
        _write(tmp_path / "instruct/train.parquet", [{"text": "other columns"}])
        with pytest.raises(UnreadableDataset, match="twin dataset build"):
            read_samples(tmp_path)


def test_a_budget_is_spread_over_documents() -> None:
    samples = [Sample(document, f"{document}{place}", "") for document in "aab" for place in range(3)]
    assert [sample.document_id for sample in spread(samples, 4)] == ["a", "b", "a", "b"]


def test_code_is_left_out_unless_there_is_nothing_else() -> None:
    code, text = Sample("c", "", "x = 1", is_prose=False), Sample("p", "", "Text.")
    assert prose([code, text]) == [text]
    assert prose([code]) == [code]


def test_the_language_of_most_prose() -> None:
    german, code = Sample("a", "", "", language="de"), Sample("c", "", "", is_prose=False, language="Python")
    assert main_language([german, german, Sample("b", "", "", language="en"), code, code, code]) == "de"
    assert main_language([code]) == "en"
