"""Rows in Parquet files, in the schema that every version of a dataset has."""

from pathlib import Path
from typing import Any

from twin_common.errors import TwinError
from twin_feature_stream.datasets.dataset import INSTRUCT, Row


class ParquetMissing(TwinError):
    """The library that writes Parquet is not installed."""


def write_rows(path: Path, configuration: str, rows: list[Row]) -> None:
    """Write a file; of equal rows the same bytes.

    Raises:
        ParquetMissing: pyarrow is not installed.
    """
    arrow, parquet = _libraries()
    path.parent.mkdir(parents=True, exist_ok=True)
    table = arrow.Table.from_pylist(rows, schema=_schema(arrow, configuration))
    parquet.write_table(table, path, compression="zstd")


def read_rows(path: Path) -> list[Row]:
    """All rows of a file; none where there is no file.

    Raises:
        ParquetMissing: pyarrow is not installed.
    """
    if not path.exists():
        return []
    _, parquet = _libraries()
    rows: list[Row] = parquet.read_table(path, partitioning=None).to_pylist()
    return rows


def _schema(arrow: Any, configuration: str) -> Any:
    text, messages = (
        arrow.string(),
        arrow.list_(arrow.struct([("role", arrow.string()), ("content", arrow.string())])),
    )
    document = [("document_id", text), ("document_version", arrow.int64())]
    if configuration == INSTRUCT:
        fields = [
            ("id", text),
            ("prompt", messages),
            ("completion", messages),
            ("kind", text),
            ("category", text),
            ("language", text),
            *document,
            ("published_at", text),
            ("quality", arrow.float64()),
            ("instruction_by", text),
        ]
    else:
        fields = [
            ("id", text),
            ("prompt", messages),
            ("chosen", messages),
            ("rejected", messages),
            ("source", text),
            ("rejected_by", text),
            *document,
        ]
    return arrow.schema(fields)


def _libraries() -> tuple[Any, Any]:
    try:
        import pyarrow as arrow  # type: ignore[import-untyped]
        from pyarrow import parquet
    except ImportError as error:
        raise ParquetMissing(
            "pyarrow is needed to read and write datasets; it comes with the extra datasets: "
            "uv pip install 'twin-feature-stream[datasets]'"
        ) from error
    return arrow, parquet
