"""Streaming the objects of an array."""

import io

import orjson
from hypothesis import given
from hypothesis import strategies as st

from twin_crawler import json_records
from twin_crawler.json_records import BrokenRecord, read_records

objects = st.dictionaries(
    st.text(max_size=5), st.text(max_size=20) | st.integers(-9, 9) | st.none(), max_size=4
)


def read(body: bytes) -> list[dict[str, object] | BrokenRecord]:
    return [
        found if isinstance(found, BrokenRecord) else found[1] for found in read_records(io.BytesIO(body))
    ]


class TestReadRecords:
    @given(st.lists(objects, max_size=8), st.booleans())
    def test_every_object_comes_in_order(self, records: list[dict[str, object]], indented: bool) -> None:
        option = orjson.OPT_INDENT_2 if indented else 0
        assert read(b"window.YTD.tweets.part0 = " + orjson.dumps(records, option=option)) == records

    @given(st.binary(max_size=200))
    def test_any_bytes_are_read_to_the_end(self, body: bytes) -> None:
        read(body)

    @given(st.lists(objects, min_size=2, max_size=6), st.data())
    def test_what_was_cut_off_costs_the_last_object_only(
        self, records: list[dict[str, object]], data: st.DataObject
    ) -> None:
        whole = orjson.dumps(records)
        cut = data.draw(st.integers(1, len(whole) - 1))
        found = [record for record in read(whole[:cut]) if isinstance(record, dict)]
        assert found == records[: len(found)]

    def test_objects_larger_than_a_chunk(self) -> None:
        large = [{"a": "x" * 300_000}, {"b": "y" * 300_000}]
        assert read(orjson.dumps(large)) == large

    def test_an_object_that_is_too_large_costs_itself_only(self) -> None:
        body = orjson.dumps([{"a": 1}, {"a": "x" * (2 * json_records.MAX_RECORD_CHARACTERS)}, {"a": 2}])
        first, second, third = read(body)
        assert (first, third) == ({"a": 1}, {"a": 2})
        assert isinstance(second, BrokenRecord)
        assert "KiB" in second.reason
